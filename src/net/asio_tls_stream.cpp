#include "net/asio_tls_stream.hpp"

#include <utility>

namespace regolo::net {

asio_tls_stream::asio_tls_stream(tcp::socket socket, std::unique_ptr<connection_data> data)
    : tls_stream(std::move(data)), stream_(std::move(socket), *this->data().settings->context)
{
    open();
}

asio_tls_stream::~asio_tls_stream() { leave(); }

void asio_tls_stream::async_handshake(wait_handler done)
{
    stream_.async_handshake(asio::ssl::stream_base::client, std::move(done));
}

void asio_tls_stream::async_read_some(asio::mutable_buffer into, handler done)
{
    stream_.async_read_some(into, std::move(done));
}

void asio_tls_stream::async_write_some(asio::const_buffer from, handler done)
{
    stream_.async_write_some(from, std::move(done));
}

}  // namespace regolo::net
