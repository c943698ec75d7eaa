#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace regolo::test {

/** An HTTP proxy on loopback with a thread of its own. It takes every name for this machine, so that a name nobody
    knows tells whether it was the proxy who looked it up. */
class test_proxy
{
public:
    /// What it does instead of its work.
    struct behaviour
    {
        std::string
            authorization;       ///< what it wants to be told, such as "Basic dTpw"; empty: nothing
        std::string answer;      ///< sent to every request, and then it closes
        std::size_t piece = 0;   ///< its own answers come in pieces of that size; 0: whole
        bool closes = false;     ///< without an answer
        bool is_silent = false;  ///< never answers
    };

    test_proxy() : test_proxy(behaviour()) {}
    explicit test_proxy(behaviour how);
    ~test_proxy();
    test_proxy(const test_proxy&) = delete;
    test_proxy& operator=(const test_proxy&) = delete;

    /// "http://[user_info@]127.0.0.1:port"
    [[nodiscard]] std::string url(const std::string& user_info = {}) const;
    /// The heads of the requests so far.
    [[nodiscard]] std::vector<std::string> heads() const;

private:
    using tcp = boost::asio::ip::tcp;

    boost::asio::awaitable<void> accept();
    boost::asio::awaitable<void> serve(std::shared_ptr<tcp::socket> client);
    boost::asio::awaitable<void> answer(std::shared_ptr<tcp::socket> client, std::string bytes);
    boost::asio::awaitable<void> pass_on(std::shared_ptr<tcp::socket> client, std::uint16_t port,
                                         std::string first, bool is_tunnel);

    behaviour how_;
    boost::asio::io_context io_{1};
    tcp::acceptor acceptor_;
    mutable std::mutex mutex_;
    std::vector<std::string> heads_;
    std::thread thread_;
};

}  // namespace regolo::test
