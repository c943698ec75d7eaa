// Many streams at a time with libcurl and Boost.JSON; see clients/crowd.hpp. With multi_socket_action and epoll, which libcurl's
// documentation recommends for very many transfers.

#include "clients/crowd.hpp"
#include "clients/curl_loop.hpp"
#include "clients/event_splitter.hpp"

#include <boost/json.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

namespace regolo::bench {

namespace {

namespace json = boost::json;

/// A stream.
class transfer
{
public:
    transfer(const curl_request& what, crowd& all, CURLSH* share)
        : crowd_(all), easy_(make_easy(what, &transfer::write, this))
    {
        checked(curl_easy_setopt(easy_.get(), CURLOPT_SHARE, share));
    }
    transfer(const transfer&) = delete;
    transfer& operator=(const transfer&) = delete;

    [[nodiscard]] CURL* handle() const noexcept { return easy_.get(); }

private:
    static std::size_t write(char* bytes, std::size_t, std::size_t size, void* self)
    {
        auto& mine = *static_cast<transfer*>(self);
        mine.events_.push({bytes, size}, 0,
                          [&](std::string_view data, std::size_t) { mine.take(data); });
        return size;
    }

    void take(std::string_view data)
    {
        std::array<unsigned char, 4096> storage;
        json::monotonic_resource memory(storage.data(), storage.size());
        const auto chunk = json::parse(data, &memory);
        const auto& content = chunk.at("choices").at(0).at("delta").at("content").as_string();
        if (std::exchange(first_, false))
            crowd_.opened();
        else if (!crowd_.over())
            crowd_.take(content);
    }

    crowd& crowd_;
    easy_handle easy_;
    event_splitter events_;
    bool first_ = true;
};

void run(const crowd_job& what)
{
    const curl_request request(what);
    crowd all(what);
    // for the sessions, as a multi handle does with its connections
    CURLSH* const share = curl_share_init();
    curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    curl_loop loop(what.size);
    std::vector<std::unique_ptr<transfer>> streams;
    all.begin();
    while (!all.over())
    {
        for (auto left = all.openings(); left > 0; --left)
        {
            streams.push_back(std::make_unique<transfer>(request, all, share));
            loop.add(streams.back()->handle());
        }
        loop.wait();
        if (loop.ended() != nullptr)
            throw std::runtime_error("a stream has ended");
    }
    all.report();
    std::_Exit(EXIT_SUCCESS);  // in no order: the streams have no end
}

void warm_up(const target& what)
{
    checked(curl_global_init(CURL_GLOBAL_DEFAULT));
    const curl_request once(what);
    const auto handle = make_easy(
        once, [](char*, std::size_t, std::size_t size, void*) { return size; }, nullptr);
    checked(curl_easy_perform(handle.get()));
}

}  // namespace

}  // namespace regolo::bench

int main(int argc, char** argv)
{
    using namespace regolo::bench;
    return run_crowd(argc, argv, warm_up, run);
}
