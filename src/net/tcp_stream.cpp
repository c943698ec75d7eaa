#include "net/tcp_stream.hpp"

#include "net/os.hpp"

#include <utility>

namespace regolo::net {

tcp_stream::tcp_stream(tcp::socket socket) : socket_(std::move(socket)) {}

void tcp_stream::async_read_some(asio::mutable_buffer into, handler done)
{
    socket_.async_read_some(into, std::move(done));
}

void tcp_stream::async_write_some(asio::const_buffer from, handler done)
{
    socket_.async_write_some(from, std::move(done));
}

std::size_t tcp_stream::try_write(asio::const_buffer from, error_code& ec) noexcept
{
    if (!socket_.non_blocking())
        socket_.non_blocking(true, ec);
    if (!socket_.non_blocking())
        return 0;
    const auto bytes = socket_.send(from, 0, ec);
    if (!ec && bytes != from.size())
        ec = asio::error::would_block;
    return bytes;
}

void tcp_stream::async_wait_readable(wait_handler done)
{
    socket_.async_wait(tcp::socket::wait_read, std::move(done));
}

void tcp_stream::cancel_wait() noexcept
{
    error_code ignored;
    socket_.cancel(ignored);
}

auto tcp_stream::peek() noexcept -> silence { return os::peek(socket_); }

std::optional<std::uint64_t> tcp_stream::acknowledged() noexcept
{
    return os::acknowledged(socket_);
}

void tcp_stream::close() noexcept
{
    error_code ignored;
    socket_.close(ignored);
}

tcp::socket tcp_stream::release() { return std::move(socket_); }

}  // namespace regolo::net
