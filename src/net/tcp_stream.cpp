#include "net/tcp_stream.hpp"

#include "net/os.hpp"

#include <utility>

namespace regolo::net {

namespace {

class tcp_stream final : public byte_stream
{
public:
    explicit tcp_stream(tcp::socket socket) : socket_(std::move(socket)) {}

    void async_read_some(asio::mutable_buffer into, handler done) override
    {
        socket_.async_read_some(into, std::move(done));
    }

    void async_write_some(asio::const_buffer from, handler done) override
    {
        socket_.async_write_some(from, std::move(done));
    }

    void async_wait_readable(wait_handler done) override
    {
        socket_.async_wait(tcp::socket::wait_read, std::move(done));
    }

    void cancel_wait() noexcept override
    {
        error_code ignored;
        socket_.cancel(ignored);
    }

    silence peek() noexcept override { return os::peek(socket_); }

    void close() noexcept override
    {
        error_code ignored;
        socket_.close(ignored);
    }

private:
    tcp::socket socket_;
};

}  // namespace

std::unique_ptr<byte_stream> make_tcp_stream(tcp::socket socket)
{
    return std::make_unique<tcp_stream>(std::move(socket));
}

}  // namespace regolo::net
