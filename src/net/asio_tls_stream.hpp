#pragma once

#include "net/tls_stream.hpp"

#include <boost/asio/ssl/stream.hpp>

#include <memory>

namespace regolo::net {

/// Asio's TLS. It keeps OpenSSL away from the socket by two buffers of a record each, and 17 KiB more in between.
class asio_tls_stream final : public tls_stream
{
public:
    asio_tls_stream(tcp::socket socket, std::unique_ptr<connection_data> data);
    ~asio_tls_stream() override;

    void async_handshake(wait_handler done) override;
    void async_read_some(asio::mutable_buffer into, handler done) override;
    void async_write_some(asio::const_buffer from, handler done) override;
    SSL* native() noexcept override { return stream_.native_handle(); }

private:
    tcp::socket& socket() noexcept override { return stream_.next_layer(); }

    asio::ssl::stream<tcp::socket> stream_;
};

}  // namespace regolo::net
