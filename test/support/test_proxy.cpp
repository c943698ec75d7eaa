#include "support/test_proxy.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace regolo::test {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

/// Copies until either side ends, and ends the other one then.
asio::awaitable<void> copy(std::shared_ptr<tcp::socket> from, std::shared_ptr<tcp::socket> to)
{
    std::array<char, 4096> buffer{};
    error_code ec;
    while (!ec)
    {
        const auto n = co_await from->async_read_some(
            asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, ec));
        if (!ec)
            co_await asio::async_write(*to, asio::buffer(buffer.data(), n),
                                       asio::redirect_error(asio::use_awaitable, ec));
    }
    error_code ignored;
    to->shutdown(tcp::socket::shutdown_send, ignored);
}

std::uint16_t port_of(std::string_view authority)
{
    return static_cast<std::uint16_t>(
        std::stoi(std::string(authority.substr(authority.rfind(':') + 1))));
}

}  // namespace

test_proxy::test_proxy(behaviour how)
    : how_(std::move(how)), acceptor_(io_, {asio::ip::address_v4::loopback(), 0})
{
    asio::co_spawn(io_, accept(), asio::detached);
    thread_ = std::thread([this] { io_.run(); });
}

test_proxy::~test_proxy()
{
    io_.stop();
    thread_.join();
}

std::string test_proxy::url(const std::string& user_info) const
{
    return "http://" + (user_info.empty() ? "" : user_info + '@') +
           "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
}

std::vector<std::string> test_proxy::heads() const
{
    const std::lock_guard lock(mutex_);
    return heads_;
}

asio::awaitable<void> test_proxy::accept()
{
    for (;;)
    {
        auto socket = co_await acceptor_.async_accept(asio::use_awaitable);
        const auto client = std::make_shared<tcp::socket>(std::move(socket));
        client->set_option(tcp::no_delay(true));
        asio::co_spawn(io_, serve(client), asio::detached);
    }
}

asio::awaitable<void> test_proxy::answer(std::shared_ptr<tcp::socket> client, std::string bytes)
{
    const auto size = how_.piece == 0 ? bytes.size() : how_.piece;
    error_code ec;
    for (std::size_t at = 0; at < bytes.size() && !ec; at += size)
    {
        const auto piece = asio::buffer(bytes.data() + at, std::min(size, bytes.size() - at));
        co_await asio::async_write(*client, piece, asio::redirect_error(asio::use_awaitable, ec));
    }
}

asio::awaitable<void> test_proxy::serve(std::shared_ptr<tcp::socket> client)
{
    std::string bytes;
    error_code ec;
    const auto size =
        co_await asio::async_read_until(*client, asio::dynamic_buffer(bytes), "\r\n\r\n",
                                        asio::redirect_error(asio::use_awaitable, ec));
    if (ec)
        co_return;
    std::string head = bytes.substr(0, size);
    {
        const std::lock_guard lock(mutex_);
        heads_.push_back(head);
    }
    if (how_.closes)
        co_return;
    if (how_.is_silent)
    {
        co_await client->async_read_some(asio::buffer(bytes),
                                         asio::redirect_error(asio::use_awaitable, ec));
        co_return;
    }
    if (!how_.answer.empty())
    {
        co_await answer(client, how_.answer);
        co_return;
    }
    const auto wanted = "Proxy-Authorization: " + how_.authorization + "\r\n";
    if (!how_.authorization.empty() && head.find(wanted) == head.npos)
    {
        co_await answer(client,
                        "HTTP/1.1 407 Proxy Authentication Required\r\n"
                        "Proxy-Authenticate: Basic realm=\"test\"\r\nContent-Length: 0\r\n\r\n");
        co_return;
    }
    const auto target_at = head.find(' ') + 1;
    const auto target = head.substr(target_at, head.find(' ', target_at) - target_at);
    if (head.starts_with("CONNECT "))
    {
        co_await pass_on(client, port_of(target), bytes.substr(size), true);
        co_return;
    }
    const auto path_at = target.find('/', std::string_view("http://").size());
    const auto authority = target.substr(0, path_at);
    bytes.replace(target_at, target.size(), target.substr(path_at));
    co_await pass_on(client, port_of(authority), std::move(bytes), false);
}

asio::awaitable<void> test_proxy::pass_on(std::shared_ptr<tcp::socket> client, std::uint16_t port,
                                          std::string first, bool is_tunnel)
{
    const auto server = std::make_shared<tcp::socket>(io_);
    const tcp::endpoint there(asio::ip::address_v4::loopback(), port);
    error_code ec;
    co_await server->async_connect(there, asio::redirect_error(asio::use_awaitable, ec));
    if (ec)
    {
        co_await answer(client, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
        co_return;
    }
    if (is_tunnel)
        co_await answer(client, "HTTP/1.1 200 Connection established\r\n\r\n");
    co_await asio::async_write(*server, asio::buffer(first),
                               asio::redirect_error(asio::use_awaitable, ec));
    asio::co_spawn(io_, copy(server, client), asio::detached);
    co_await copy(client, server);
}

}  // namespace regolo::test
