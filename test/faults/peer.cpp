#include "faults/peer.hpp"

#include "testing/certificates.hpp"
#include "testing/request_reader.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <utility>

namespace regolo::test {

namespace asio = boost::asio;

namespace {

using boost::system::error_code;

constexpr std::size_t repeated_bytes = 64;

const testing::certificate_authority& authority()
{
    static const testing::certificate_authority only;
    return only;
}

}  // namespace

const char* name_of(transport how)
{
    static constexpr const char* names[] = {"plain", "tls", "tls_resumed", "proxy", "tunnel"};
    return names[static_cast<std::size_t>(how)];
}

const char* name_of(fault what)
{
    static constexpr const char* names[] = {"end", "cut", "reset", "stall", "flip", "repeat"};
    return names[static_cast<std::size_t>(what)];
}

struct peer::connection
{
    explicit connection(tcp::socket from) : socket(std::move(from)) {}

    tcp::socket socket;
    std::optional<testing::tls_session> tls;
    testing::request_reader requests;
    std::string connect_head;  // of the request for a tunnel
    bool wants_tunnel = false;
    bool is_mute = false;  // says nothing more
    std::string latest;    // the last bytes on the wire
};

peer::peer(asio::io_context& io, transport how)
    : how_(how),
      tls_(authority().issue_server(testing::leaf::good), testing::tls_versions::both, {}),
      acceptor_(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0))
{
    if (how != transport::tls_resumed)
    {
        SSL_CTX_set_options(tls_.native(), SSL_OP_NO_TICKET);
        SSL_CTX_set_num_tickets(tls_.native(), 0);
    }
    asio::co_spawn(io, accept(), asio::detached);
}

peer::~peer() { close(); }

const std::string& peer::ca_pem() { return authority().pem(); }

std::uint16_t peer::port() const { return acceptor_.local_endpoint().port(); }

void peer::close()
{
    error_code ignored;
    acceptor_.close(ignored);
}

void peer::arm(fault what, std::size_t at)
{
    armed_ = what;
    at_ = at;
    sent_ = 0;
    has_struck_ = false;
}

void peer::strike(fault what)
{
    if (const auto with = latest_.lock())
        strike(*with, what);
}

void peer::ask_for_certificates()
{
    SSL_CTX_set_verify(tls_.native(), SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
}

void peer::disarm()
{
    armed_.reset();
    sent_ = 0;
}

asio::awaitable<void> peer::accept()
{
    for (;;)
    {
        auto [ec, socket] = co_await acceptor_.async_accept(asio::as_tuple(asio::use_awaitable));
        if (ec)
            co_return;
        auto next = std::make_shared<connection>(std::move(socket));
        error_code ignored;
        next->socket.set_option(tcp::no_delay(true), ignored);
        next->wants_tunnel = how_ == transport::tunnel;
        if (is_encrypted(how_))
            next->tls.emplace(tls_);
        ++open_;
        latest_ = next;
        asio::co_spawn(acceptor_.get_executor(), serve(std::move(next)), asio::detached);
    }
}

asio::awaitable<void> peer::serve(std::shared_ptr<connection> with)
{
    std::array<char, 16384> buffer{};
    for (;;)
    {
        const auto [ec, size] = co_await with->socket.async_read_some(
            asio::buffer(buffer), asio::as_tuple(asio::use_awaitable));
        if (ec)
            break;
        if (!with->is_mute)
            receive(*with, std::string_view(buffer.data(), size));
    }
    --open_;
}

void peer::receive(connection& with, std::string_view bytes)
{
    if (with.wants_tunnel)
    {
        // Nothing follows the request for a tunnel before it is answered.
        with.connect_head += bytes;
        if (with.connect_head.ends_with("\r\n\r\n"))
        {
            with.wants_tunnel = false;
            put(with, "HTTP/1.1 200 Connection established\r\n\r\n");
        }
        return;
    }
    if (with.tls)
    {
        std::string plain;
        const auto before = with.tls->status();
        with.tls->receive(bytes, plain);
        using state = testing::tls_session::state;
        handshakes_ += before == state::handshake && with.tls->status() == state::established;
        put(with, with.tls->take_output());
        with.requests.push(plain);
    }
    else
    {
        with.requests.push(bytes);
    }
    while (!with.is_mute && !ignores_requests_ && with.requests.take())
    {
        ++requests_;
        answer(with);
    }
}

void peer::answer(connection& with)
{
    std::string_view bytes = answer_;
    const bool ends = armed_ == fault::end && !has_struck_ && at_ <= bytes.size();
    if (ends)
        bytes = bytes.substr(0, at_);
    if (with.tls)
    {
        with.tls->send(bytes);
        if (!extra_.empty())
            with.tls->send(extra_);
        if (ends)
            with.tls->send_close_notify();
        put(with, with.tls->take_output());
    }
    else
    {
        put(with, std::string(bytes) + extra_);
    }
    if (ends)
        strike(with, *armed_);
}

// Everything that a client receives passes here.
void peer::put(connection& with, std::string_view bytes)
{
    if (with.is_mute)
        return;
    if (!armed_ || armed_ == fault::end || has_struck_)
        return write(with, bytes);
    const bool cuts = armed_ != fault::flip && armed_ != fault::repeat;
    const std::size_t left = at_ - std::min(at_, sent_);
    // To end after byte n is possible as soon as it was sent; to change it, with the byte itself.
    if (left > bytes.size() || (left == bytes.size() && (!cuts || bytes.empty())))
        return write(with, bytes);
    write(with, bytes.substr(0, left));
    bytes.remove_prefix(left);
    strike(with, *armed_);
    if (cuts)
        return;
    std::string rest(bytes);
    if (armed_ == fault::flip)
        rest.front() = static_cast<char>(rest.front() ^ (1 << at_ % 8));
    else
        rest.insert(0,
                    with.latest.substr(with.latest.size() - std::min(with.latest.size(), sent_)));
    write(with, rest);
}

void peer::write(connection& with, std::string_view bytes)
{
    sent_ += bytes.size();
    with.latest += bytes;
    if (with.latest.size() > repeated_bytes)
        with.latest.erase(0, with.latest.size() - repeated_bytes);
    error_code ignored;  // the client may be gone
    asio::write(with.socket, asio::buffer(bytes), ignored);
}

void peer::strike(connection& with, fault what)
{
    has_struck_ = true;
    error_code ignored;
    switch (what)
    {
        case fault::flip:
        case fault::repeat:
            return;
        case fault::end:
        case fault::cut:
            with.socket.shutdown(tcp::socket::shutdown_send, ignored);
            break;
        case fault::reset:
            with.socket.set_option(asio::socket_base::linger(true, 0), ignored);
            with.socket.close(ignored);
            break;
        case fault::stall:
            break;
    }
    with.is_mute = true;
}

}  // namespace regolo::test
