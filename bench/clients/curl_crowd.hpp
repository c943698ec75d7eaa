#pragma once

#include "clients/report.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <curl/curl.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <system_error>
#include <type_traits>
#include <unistd.h>
#include <vector>

namespace regolo::bench {

struct curl_deleter
{
    void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};

template <class Result>
void checked(Result result)
{
    if constexpr (std::is_same_v<Result, CURLMcode>)
    {
        if (result != CURLM_OK)
            throw std::runtime_error(curl_multi_strerror(result));
    }
    else if (result != CURLE_OK)
        throw std::runtime_error(curl_easy_strerror(result));
}

/// What all requests send.
struct curl_request
{
    explicit curl_request(const job& what)
        : url(what.base_url + "/" + what.workload +
              (what.workload == "embeddings" ? "/v1/embeddings" : "/v1/chat/completions"))
    {
        const auto text = request_text(what);
        body = text.substr(text.find("\r\n\r\n") + 4);
        auto* list = curl_slist_append(nullptr, "Content-Type: application/json");
        list = curl_slist_append(list, "Authorization: Bearer test-key");
        list = curl_slist_append(
            list, what.streams() ? "Accept: text/event-stream" : "Accept: application/json");
        headers.reset(list);
    }

    std::string url;
    std::string body;
    std::unique_ptr<curl_slist, curl_deleter> headers;
};

/// An easy handle, which serves one request after the other, and what reads its answers.
template <class Answer>
class curl_transfer
{
public:
    curl_transfer(const job& what, const curl_request& request, counts& into)
        : answer_(what, into), easy_(curl_easy_init())
    {
        set(CURLOPT_URL, request.url.c_str());
        set(CURLOPT_HTTPHEADER, request.headers.get());
        set(CURLOPT_POSTFIELDS, request.body.c_str());
        set(CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
        set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
        set(CURLOPT_IPRESOLVE, static_cast<long>(CURL_IPRESOLVE_V4));
        set(CURLOPT_BUFFERSIZE, 64L * 1024);  // more gains nothing, and is held by each transfer
        set(CURLOPT_NOSIGNAL, 1L);
        set(CURLOPT_SSL_VERIFYPEER, 0L);
        set(CURLOPT_SSL_VERIFYHOST, 0L);
        set(CURLOPT_NOPROXY, "*");
        set(CURLOPT_FAILONERROR, 1L);
        set(CURLOPT_WRITEFUNCTION, &curl_transfer::write);
        set(CURLOPT_WRITEDATA, this);
        set(CURLOPT_PRIVATE, this);
    }

    [[nodiscard]] CURL* handle() const noexcept { return easy_.get(); }

    void finish() { answer_.finish(); }

private:
    template <class Value>
    void set(CURLoption option, Value value)
    {
        checked(curl_easy_setopt(easy_.get(), option, value));
    }

    static std::size_t write(char* bytes, std::size_t, std::size_t size, void* self)
    {
        static_cast<curl_transfer*>(self)->answer_.push({bytes, size});
        return size;
    }

    Answer answer_;
    std::unique_ptr<CURL, curl_deleter> easy_;
};

/// libcurl's multi interface on epoll, as curl_multi_socket_action(3) and the example ephiperfifo.c show it.
template <class Answer>
class curl_crowd
{
public:
    explicit curl_crowd(const job& what)
        : what_(what),
          request_(what),
          epoll_(::epoll_create1(EPOLL_CLOEXEC)),
          multi_(curl_multi_init())
    {
        if (epoll_ < 0)
            throw std::system_error(errno, std::generic_category(), "epoll");
        set(CURLMOPT_MAXCONNECTS, what.concurrency);
        set(CURLMOPT_SOCKETFUNCTION, &curl_crowd::on_socket);
        set(CURLMOPT_SOCKETDATA, this);
        set(CURLMOPT_TIMERFUNCTION, &curl_crowd::on_timer);
        set(CURLMOPT_TIMERDATA, this);
    }
    ~curl_crowd()
    {
        transfers_.clear();
        curl_multi_cleanup(multi_);
        ::close(epoll_);
    }
    curl_crowd(const curl_crowd&) = delete;
    curl_crowd& operator=(const curl_crowd&) = delete;

    [[nodiscard]] counts run(long requests)
    {
        counts_ = {};
        long begun = 0;
        for (; begun != std::min(requests, what_.concurrency); ++begun)
        {
            if (static_cast<std::size_t>(begun) == transfers_.size())
                transfers_.push_back(
                    std::make_unique<curl_transfer<Answer>>(what_, request_, counts_));
            add(transfers_[static_cast<std::size_t>(begun)]->handle());
        }
        while (counts_.requests != static_cast<std::uint64_t>(requests))
        {
            wait();
            int left = 0;
            while (const auto* message = curl_multi_info_read(multi_, &left))
            {
                CURL* const handle = end(*message);
                if (begun == requests)
                    continue;
                ++begun;
                add(handle);
            }
        }
        return counts_;
    }

private:
    using steady = std::chrono::steady_clock;

    template <class Value>
    void set(CURLMoption option, Value value)
    {
        checked(curl_multi_setopt(multi_, option, value));
    }

    void add(CURL* handle) { checked(curl_multi_add_handle(multi_, handle)); }

    CURL* end(const CURLMsg& message)
    {
        CURL* const handle = message.easy_handle;
        checked(message.data.result);
        curl_transfer<Answer>* done = nullptr;
        curl_easy_getinfo(handle, CURLINFO_PRIVATE, &done);
        checked(curl_multi_remove_handle(multi_, handle));
        done->finish();
        return handle;
    }

    void wait()
    {
        std::array<epoll_event, 256> events;
        const int n =
            ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), milliseconds());
        int running = 0;
        for (int i = 0; i < n; ++i)
        {
            const auto& event = events[static_cast<std::size_t>(i)];
            const int what = ((event.events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                             ((event.events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                             ((event.events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
            checked(curl_multi_socket_action(multi_, event.data.fd, what, &running));
        }
        if (has_timer_ && milliseconds() == 0)
        {
            has_timer_ = false;
            checked(curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running));
        }
    }

    [[nodiscard]] int milliseconds() const
    {
        if (!has_timer_)
            return -1;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(due_ - steady::now());
        return static_cast<int>(std::max<std::chrono::milliseconds::rep>(left.count(), 0));
    }

    static int on_timer(CURLM*, long milliseconds, void* self)
    {
        auto& mine = *static_cast<curl_crowd*>(self);
        mine.has_timer_ = milliseconds >= 0;
        mine.due_ = steady::now() + std::chrono::milliseconds(milliseconds);
        return 0;
    }

    /// `known` is not null for a socket that epoll has.
    static int on_socket(CURL*, curl_socket_t socket, int what, void* self, void* known)
    {
        const auto& mine = *static_cast<curl_crowd*>(self);
        epoll_event event{};
        event.data.fd = socket;
        event.events = ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0U) |
                       ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0U);
        if (what == CURL_POLL_REMOVE)
            return ::epoll_ctl(mine.epoll_, EPOLL_CTL_DEL, socket, nullptr), 0;
        if (known == nullptr)
            checked(curl_multi_assign(mine.multi_, socket, self));
        return ::epoll_ctl(mine.epoll_, known == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket,
                           &event);
    }

    const job& what_;
    const curl_request request_;
    const int epoll_;
    CURLM* const multi_;
    bool has_timer_ = false;
    steady::time_point due_;
    counts counts_;
    std::vector<std::unique_ptr<curl_transfer<Answer>>> transfers_;
};

/// The whole program.
template <class Answer>
void run_curl(const job& what)
{
    checked(curl_global_init(CURL_GLOBAL_DEFAULT));
    curl_crowd<Answer> all(what);
    static_cast<void>(all.run(what.concurrency));
    const meter time;
    time.report(all.run(what.requests));
}

}  // namespace regolo::bench
