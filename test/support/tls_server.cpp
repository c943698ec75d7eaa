#include "support/tls_server.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <openssl/ssl.h>

#include <utility>

namespace regolo::test {

namespace asio = boost::asio;
namespace ssl = asio::ssl;
using boost::system::error_code;

tls_server::tls_server(const options& how)
    : context_(ssl::context::tls_server),
      asks_anew_(how.asks_anew),
      acceptor_(io_, {how.ipv6 ? asio::ip::address(asio::ip::address_v6::loopback())
                               : asio::ip::address(asio::ip::address_v4::loopback()),
                      0})
{
    SSL_CTX* const native = context_.native_handle();
    SSL_CTX_set_security_level(native, 0);
    SSL_CTX_set_min_proto_version(native, how.min_version);
    SSL_CTX_set_max_proto_version(native, how.max_version);
    SSL_CTX_set_session_id_context(native, reinterpret_cast<const unsigned char*>("tls"), 3);
    context_.use_certificate_chain(asio::buffer(how.chain_pem));
    context_.use_private_key(asio::buffer(how.key_pem), ssl::context::pem);
    auto keys = how.ticket_keys;
    if (!keys.empty())
        SSL_CTX_set_tlsext_ticket_keys(native, keys.data(), static_cast<long>(keys.size()));
    if (!how.client_ca_pem.empty())
    {
        context_.add_certificate_authority(asio::buffer(how.client_ca_pem));
        context_.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
    }
    asio::co_spawn(io_, accept(), asio::detached);
    thread_ = std::thread([this] { io_.run(); });
}

tls_server::~tls_server()
{
    io_.stop();
    thread_.join();
}

std::string tls_server::url(const std::string& host) const
{
    return "https://" + host + ":" + std::to_string(acceptor_.local_endpoint().port());
}

asio::awaitable<void> tls_server::accept()
{
    for (;;)
    {
        auto socket = co_await acceptor_.async_accept(asio::use_awaitable);
        ++connections_;
        asio::co_spawn(io_, serve(std::move(socket)), asio::detached);
    }
}

asio::awaitable<void> tls_server::serve(tcp::socket client)
{
    static const std::string answer =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 27\r\n\r\n"
        R"({"object":"list","data":[]})";
    ssl::stream<tcp::socket> stream(std::move(client), context_);
    error_code ec;
    co_await stream.async_handshake(ssl::stream_base::server,
                                    asio::redirect_error(asio::use_awaitable, ec));
    if (!ec && SSL_session_reused(stream.native_handle()) == 1)
        ++resumed_;
    std::string received;
    while (!ec)
    {
        const auto size =
            co_await asio::async_read_until(stream, asio::dynamic_buffer(received), "\r\n\r\n",
                                            asio::redirect_error(asio::use_awaitable, ec));
        if (ec)
            break;
        received.erase(0, size);
        if (asks_anew_ && SSL_version(stream.native_handle()) == TLS1_3_VERSION)
            SSL_key_update(stream.native_handle(), SSL_KEY_UPDATE_REQUESTED);
        else if (asks_anew_)
            SSL_renegotiate(stream.native_handle());
        co_await asio::async_write(stream, asio::buffer(answer),
                                   asio::redirect_error(asio::use_awaitable, ec));
    }
}

}  // namespace regolo::test
