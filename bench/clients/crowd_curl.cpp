// Many streams at a time with libcurl and Boost.JSON; see clients/crowd.hpp. With multi_socket_action and epoll, which libcurl's
// documentation recommends for very many transfers.

#include "clients/crowd.hpp"
#include "clients/curl_crowd.hpp"

#include <boost/json.hpp>

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
#include <vector>

namespace regolo::bench {

namespace {

namespace json = boost::json;

using easy_handle = std::unique_ptr<CURL, curl_deleter>;

void set_up(CURL* handle, const curl_request& what)
{
    curl_easy_setopt(handle, CURLOPT_URL, what.url.c_str());
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, what.headers.get());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, what.body.c_str());
    curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
}

/// A stream.
class transfer
{
public:
    transfer(const curl_request& what, crowd& all, CURLSH* share)
        : crowd_(all), easy_(curl_easy_init())
    {
        set_up(easy_.get(), what);
        curl_easy_setopt(easy_.get(), CURLOPT_SHARE, share);
        curl_easy_setopt(easy_.get(), CURLOPT_WRITEFUNCTION, &transfer::write);
        curl_easy_setopt(easy_.get(), CURLOPT_WRITEDATA, this);
    }

    [[nodiscard]] CURL* handle() const noexcept { return easy_.get(); }

private:
    static std::size_t write(char* bytes, std::size_t, std::size_t size, void* self)
    {
        auto& mine = *static_cast<transfer*>(self);
        mine.received_.append(bytes, size);
        mine.take_events();
        return size;
    }

    void take_events()
    {
        std::size_t begin = 0;
        for (auto end = received_.find("\n\n"); end != std::string::npos;
             end = received_.find("\n\n", begin))
        {
            const auto event = std::string_view(received_).substr(begin, end - begin);
            begin = end + 2;
            std::array<unsigned char, 4096> storage;
            json::monotonic_resource memory(storage.data(), storage.size());
            const auto chunk =
                json::parse(event.substr(std::string_view("data: ").size()), &memory);
            const auto& content = chunk.at("choices").at(0).at("delta").at("content").as_string();
            if (std::exchange(first_, false))
                crowd_.opened();
            else if (!crowd_.over())
                crowd_.take(content);
        }
        received_.erase(0, begin);
    }

    crowd& crowd_;
    easy_handle easy_;
    std::string received_;
    bool first_ = true;
};

class runner
{
public:
    explicit runner(const job& what)
        : request_(what),
          crowd_(what.requests, what.concurrency),
          epoll_(::epoll_create1(EPOLL_CLOEXEC)),
          share_(curl_share_init()),
          multi_(curl_multi_init())
    {
        // as a multi handle does with its connections, for the sessions
        curl_share_setopt(share_, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
        curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, what.requests);
        curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &runner::on_socket);
        curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
        curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &runner::on_timer);
        curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    }

    void run()
    {
        crowd_.begin();
        std::array<epoll_event, 256> events;
        while (!crowd_.over())
        {
            open_more();
            const auto n =
                ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), wait());
            int running = 0;
            if (clock::now() >= due_)
            {
                due_ = clock::time_point::max();
                curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
            }
            for (int i = 0; i < n; ++i)
            {
                const auto& event = events[static_cast<std::size_t>(i)];
                const int what =
                    ((event.events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                    ((event.events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                    ((event.events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
                curl_multi_socket_action(multi_, event.data.fd, what, &running);
            }
            int left = 0;
            if (curl_multi_info_read(multi_, &left) != nullptr)
                throw std::runtime_error("a stream has ended");
        }
        crowd_.report();
    }

private:
    using clock = std::chrono::steady_clock;

    /// For epoll_wait; rounded up, so as not to wake too early.
    [[nodiscard]] int wait() const
    {
        if (due_ == clock::time_point::max())
            return -1;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(due_ - clock::now());
        return std::max(0, static_cast<int>(left.count()));
    }

    void open_more()
    {
        for (auto left = crowd_.openings(); left > 0; --left)
        {
            transfers_.push_back(std::make_unique<transfer>(request_, crowd_, share_));
            curl_multi_add_handle(multi_, transfers_.back()->handle());
        }
    }

    static int on_socket(CURL*, curl_socket_t socket, int what, void* self, void* known)
    {
        auto& mine = *static_cast<runner*>(self);
        epoll_event event{};
        event.data.fd = socket;
        event.events = ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0U) |
                       ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0U);
        const int operation = what == CURL_POLL_REMOVE ? EPOLL_CTL_DEL
                              : known == nullptr       ? EPOLL_CTL_ADD
                                                       : EPOLL_CTL_MOD;
        if (::epoll_ctl(mine.epoll_, operation, socket, &event) != 0 && operation != EPOLL_CTL_DEL)
            throw std::system_error(errno, std::generic_category(), "epoll_ctl");
        curl_multi_assign(mine.multi_, socket, self);
        return 0;
    }

    static int on_timer(CURLM*, long milliseconds, void* self)
    {
        static_cast<runner*>(self)->due_ =
            milliseconds < 0 ? clock::time_point::max()
                             : clock::now() + std::chrono::milliseconds(milliseconds);
        return 0;
    }

    const curl_request request_;
    crowd crowd_;
    const int epoll_;
    clock::time_point due_ = clock::time_point::max();
    CURLSH* const share_;
    CURLM* const multi_;
    std::vector<std::unique_ptr<transfer>> transfers_;
};

/// What a process has but once is no part of a stream.
void warm_up(job what)
{
    what.workload = "small";
    const curl_request once(what);
    const easy_handle handle(curl_easy_init());
    set_up(handle.get(), once);
    curl_easy_setopt(
        handle.get(), CURLOPT_WRITEFUNCTION,
        +[](char*, std::size_t, std::size_t size, void*) { return size; });
    if (curl_easy_perform(handle.get()) != CURLE_OK)
        throw std::runtime_error("no answer");
}

}  // namespace

}  // namespace regolo::bench

int main(int argc, char** argv)
try
{
    using namespace regolo::bench;
    const auto what = parse_job(argc, argv);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    warm_up(what);
    // Not ended in order: the streams have no end, and the process has told what it had to.
    auto& all = *new runner(what);
    all.run();
    std::_Exit(EXIT_SUCCESS);
}
catch (const std::exception& error)
{
    std::cerr << "error: " << error.what() << '\n';
    return EXIT_FAILURE;
}
