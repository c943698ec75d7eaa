// libcurl's multi interface with its own event loop, as curl_multi_poll(3) shows it, and Boost.JSON.

#include "clients/report.hpp"

#include <boost/json.hpp>

#include <curl/curl.h>

#include <memory>
#include <string_view>
#include <vector>

namespace regolo::bench {

namespace {

namespace json = boost::json;

struct easy_deleter
{
    void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
    void operator()(CURLM* handle) const noexcept { curl_multi_cleanup(handle); }
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};

/// One of the requests that are under way.
class transfer
{
public:
    transfer(const job& what, const curl_slist* headers, const std::string& body, counts& into)
        : what_(what), counts_(into), easy_(curl_easy_init())
    {
        CURL* const handle = easy_.get();
        const char* const path = what.workload == "embeddings" ? "/v1/embeddings" : "/v1/chat/completions";
        curl_easy_setopt(handle, CURLOPT_URL, (what.base_url + "/" + what.workload + path).c_str());
        curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body.c_str());
        curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
        curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
        curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 0L);
        curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
        curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &transfer::write);
        curl_easy_setopt(handle, CURLOPT_WRITEDATA, this);
        curl_easy_setopt(handle, CURLOPT_PRIVATE, this);
    }

    [[nodiscard]] CURL* handle() const noexcept { return easy_.get(); }

    void finish()
    {
        if (!what_.streams())
            take_whole();
        received_.clear();
        ++counts_.requests;
    }

private:
    static std::size_t write(char* bytes, std::size_t, std::size_t size, void* self)
    {
        auto& mine = *static_cast<transfer*>(self);
        mine.received_.append(bytes, size);
        if (mine.what_.streams())
            mine.take_events();
        return size;
    }

    void take_events()
    {
        std::size_t begin = 0;
        for (auto end = received_.find("\n\n"); end != std::string::npos; end = received_.find("\n\n", begin))
        {
            const auto event = std::string_view(received_).substr(begin, end - begin);
            begin = end + 2;
            if (event.starts_with("data: ") && event != "data: [DONE]")
                take_chunk(event.substr(6));
        }
        received_.erase(0, begin);
    }

    void take_chunk(std::string_view data)
    {
        ++counts_.chunks;
        const auto chunk = json::parse(data);
        for (const auto& choice : chunk.at("choices").as_array())
        {
            const auto& delta = choice.at("delta").as_object();
            if (const auto* text = delta.if_contains("content"))
                counts_.text_bytes += text->as_string().size();
            if (const auto* calls = delta.if_contains("tool_calls"))
            {
                for (const auto& call : calls->as_array())
                    counts_.text_bytes += call.at("function").at("arguments").as_string().size();
            }
        }
    }

    void take_whole()
    {
        const auto answer = json::parse(received_);
        if (what_.workload == "embeddings")
        {
            for (const auto& each : answer.at("data").as_array())
            {
                std::vector<float> values;
                for (const auto& value : each.at("embedding").as_array())
                    values.push_back(value.to_number<float>());
                counts_.text_bytes += values.size() * sizeof(float);
            }
            return;
        }
        for (const auto& choice : answer.at("choices").as_array())
            counts_.text_bytes += choice.at("message").at("content").as_string().size();
    }

    const job& what_;
    counts& counts_;
    std::unique_ptr<CURL, easy_deleter> easy_;
    std::string received_;
};

void run(CURLM* multi, std::vector<std::unique_ptr<transfer>>& transfers, long requests)
{
    long begun = 0;
    long ended = 0;
    for (const auto& each : transfers)
    {
        if (begun == requests)
            break;
        curl_multi_add_handle(multi, each->handle());
        ++begun;
    }
    while (ended < requests)
    {
        int running = 0;
        curl_multi_perform(multi, &running);
        int left = 0;
        while (const auto* message = curl_multi_info_read(multi, &left))
        {
            if (message->data.result != CURLE_OK)
                throw std::runtime_error(curl_easy_strerror(message->data.result));
            CURL* const handle = message->easy_handle;
            transfer* done = nullptr;
            curl_easy_getinfo(handle, CURLINFO_PRIVATE, &done);
            done->finish();
            ++ended;
            curl_multi_remove_handle(multi, handle);
            if (begun < requests)
            {
                curl_multi_add_handle(multi, handle);
                ++begun;
            }
        }
        if (ended < requests)
            curl_multi_poll(multi, nullptr, 0, 1000, nullptr);
    }
}

}  // namespace

}  // namespace regolo::bench

int main(int argc, char** argv)
try
{
    using namespace regolo::bench;
    const auto what = parse_job(argc, argv);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    const std::unique_ptr<CURLM, easy_deleter> multi(curl_multi_init());
    curl_multi_setopt(multi.get(), CURLMOPT_MAXCONNECTS, what.concurrency);
    curl_slist* list = curl_slist_append(nullptr, "Content-Type: application/json");
    list = curl_slist_append(list, "Authorization: Bearer test-key");
    const std::unique_ptr<curl_slist, easy_deleter> headers(list);
    const auto request = request_text(what);
    const auto body = request.substr(request.find("\r\n\r\n") + 4);

    counts all;
    std::vector<std::unique_ptr<transfer>> transfers;
    for (long i = 0; i != what.concurrency; ++i)
        transfers.push_back(std::make_unique<transfer>(what, headers.get(), body, all));
    run(multi.get(), transfers, 1);
    all = counts();
    const meter time;
    run(multi.get(), transfers, what.requests);
    time.report(all);
    for (const auto& each : transfers)
        curl_multi_remove_handle(multi.get(), each->handle());
    return EXIT_SUCCESS;
}
catch (const std::exception& error)
{
    std::cerr << "error: " << error.what() << '\n';
    return EXIT_FAILURE;
}
