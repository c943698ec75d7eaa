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
#include <sys/epoll.h>
#include <system_error>
#include <type_traits>
#include <unistd.h>

namespace regolo::bench {

struct curl_deleter
{
    void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};

using easy_handle = std::unique_ptr<CURL, curl_deleter>;

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
    explicit curl_request(const target& what)
        : url(what.base_url + path_of(what)), body(body_of(what))
    {
        auto* list = curl_slist_append(nullptr, "Content-Type: application/json");
        list = curl_slist_append(list, "Authorization: Bearer test-key");
        list = curl_slist_append(list, (std::string("Accept: ") + accepted_by(what)).c_str());
        headers.reset(list);
    }

    std::string url;
    std::string body;
    std::unique_ptr<curl_slist, curl_deleter> headers;
};

/// A handle for that request, which must outlive it. `write` is called with `user`.
inline easy_handle make_easy(const curl_request& what, curl_write_callback write, void* user)
{
    easy_handle made(curl_easy_init());
    const auto set = [&](CURLoption option, auto value) {
        checked(curl_easy_setopt(made.get(), option, value));
    };
    set(CURLOPT_URL, what.url.c_str());
    set(CURLOPT_HTTPHEADER, what.headers.get());
    set(CURLOPT_POSTFIELDS, what.body.c_str());
    set(CURLOPT_POSTFIELDSIZE, static_cast<long>(what.body.size()));
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_IPRESOLVE, static_cast<long>(CURL_IPRESOLVE_V4));
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_SSL_VERIFYPEER, 0L);
    set(CURLOPT_SSL_VERIFYHOST, 0L);
    set(CURLOPT_NOPROXY, "*");
    set(CURLOPT_FAILONERROR, 1L);
    set(CURLOPT_WRITEFUNCTION, write);
    set(CURLOPT_WRITEDATA, user);
    return made;
}

/// libcurl's multi interface on epoll, as curl_multi_socket_action(3) and the example ephiperfifo.c show it.
class curl_loop
{
public:
    explicit curl_loop(long connections)
        : epoll_(::epoll_create1(EPOLL_CLOEXEC)), multi_(curl_multi_init())
    {
        if (epoll_ < 0)
            throw std::system_error(errno, std::generic_category(), "epoll");
        set(CURLMOPT_MAXCONNECTS, connections);
        set(CURLMOPT_SOCKETFUNCTION, &curl_loop::on_socket);
        set(CURLMOPT_SOCKETDATA, this);
        set(CURLMOPT_TIMERFUNCTION, &curl_loop::on_timer);
        set(CURLMOPT_TIMERDATA, this);
    }
    ~curl_loop()
    {
        curl_multi_cleanup(multi_);
        ::close(epoll_);
    }
    curl_loop(const curl_loop&) = delete;
    curl_loop& operator=(const curl_loop&) = delete;

    void add(CURL* handle) { checked(curl_multi_add_handle(multi_, handle)); }

    /// Waits until something has come, and has libcurl take it.
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

    /// @returns a handle whose answer is complete and which can be added again, or null
    CURL* ended()
    {
        int left = 0;
        const auto* const message = curl_multi_info_read(multi_, &left);
        if (message == nullptr)
            return nullptr;
        CURL* const handle = message->easy_handle;
        checked(message->data.result);
        checked(curl_multi_remove_handle(multi_, handle));
        return handle;
    }

private:
    using steady = std::chrono::steady_clock;

    template <class Value>
    void set(CURLMoption option, Value value)
    {
        checked(curl_multi_setopt(multi_, option, value));
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
        auto& mine = *static_cast<curl_loop*>(self);
        mine.has_timer_ = milliseconds >= 0;
        mine.due_ = steady::now() + std::chrono::milliseconds(milliseconds);
        return 0;
    }

    /// `known` is not null for a socket that epoll has.
    static int on_socket(CURL*, curl_socket_t socket, int what, void* self, void* known)
    {
        const auto& mine = *static_cast<curl_loop*>(self);
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

    const int epoll_;
    CURLM* const multi_;
    bool has_timer_ = false;
    steady::time_point due_;
};

}  // namespace regolo::bench
