#pragma once

#include "net/world.hpp"

#include <memory>

namespace regolo::net {

/// The bytes of a plain TCP connection.
class tcp_stream final : public byte_stream
{
public:
    explicit tcp_stream(tcp::socket socket);

    void async_read_some(asio::mutable_buffer into, handler done) override;
    void async_write_some(asio::const_buffer from, handler done) override;
    std::size_t try_write(asio::const_buffer from, error_code& ec) noexcept override;
    void async_wait_readable(wait_handler done) override;
    void cancel_wait() noexcept override;
    silence peek() noexcept override;
    std::optional<std::uint64_t> acknowledged() noexcept override;
    bool has_part() noexcept override { return false; }
    void close() noexcept override;

    /// The socket, for something else that is spoken over it. Nothing may be under way.
    [[nodiscard]] tcp::socket release();

private:
    tcp::socket socket_;
};

}  // namespace regolo::net
