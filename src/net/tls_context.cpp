#include "net/tls_context.hpp"

#include "net/openssl_ptr.hpp"
#include "net/out_of_memory.hpp"
#include "net/peer_identity.hpp"
#include "net/tls_callbacks.hpp"
#include "net/tls_failure.hpp"
#include "net/tls_settings.hpp"
#include "net/tls_stream.hpp"

#include <regolo/error.hpp>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <openssl/ssl.h>

#include <ctime>
#include <utility>

namespace regolo::net {

namespace {

namespace ssl = asio::ssl;

auto shake_hands(tls_stream& stream, error_code& ec)
{
    using token = asio::redirect_error_t<asio::use_awaitable_t<>>;
    token how(asio::use_awaitable, ec);
    return asio::async_initiate<token, void(error_code)>(
        [&stream](auto done) { stream.async_handshake(std::move(done)); }, how);
}

class openssl_context final : public tls_context
{
public:
    explicit openssl_context(const tls_options& options)
        : settings_(shared_settings(options, &on_new_session)),
          sessions_(std::make_shared<session_cache>())
    {}

    asio::awaitable<secured> secure(std::shared_ptr<scope> owner, tcp::socket socket,
                                    std::string host, std::uint16_t port) override
    {
        return secure_with(std::move(owner), settings_, sessions_, std::move(socket),
                           std::move(host), port);
    }

private:
    static asio::awaitable<secured> secure_with(std::shared_ptr<scope> owner,
                                                std::shared_ptr<const tls_settings> settings,
                                                std::shared_ptr<session_cache> sessions,
                                                tcp::socket socket, std::string host,
                                                std::uint16_t port);

    static void prepare(SSL* connection, const connection_data& data, const peer_identity& whom,
                        session_ptr session);
    static error_info describe_failure(const error_code& ec, const std::string& host,
                                       const connection_data& data);

    std::shared_ptr<const tls_settings> settings_;
    std::shared_ptr<session_cache> sessions_;
};

error_info make_info(error_code code, std::string message)
{
    error_info info;
    info.code = code;
    info.where = phase::tls;
    info.message = std::move(message);
    return info;
}

error_info refused(const std::string& host, const std::string& why)
{
    return make_info(errc::certificate_refused,
                     "the certificate of " + host + " was refused: " + why);
}

void openssl_context::prepare(SSL* connection, const connection_data& data,
                              const peer_identity& whom, session_ptr session)
{
    if (!whom.require_of(connection))
    {
        throw error(make_info(errc::bad_url,
                              "no certificate can be for the host in base_url: write it "
                              "as a name, or as an IP address in its usual form"));
    }
    const bool may_use = session && (!data.settings->verifies ||
                                     may_resume(session.get(), whom, std::time(nullptr)));
    if (may_use)
        SSL_set_session(connection, session.get());
}

error_info openssl_context::describe_failure(const error_code& ec, const std::string& host,
                                             const connection_data& data)
{
    if (!data.refusal.empty())
        return refused(host, data.refusal);
    if (is_out_of_memory(ec))
        return make_info(out_of_memory(), "out of memory in the TLS handshake with " + host);
    const bool closed = ec == asio::error::eof || ec == ssl::error::stream_truncated ||
                        ec == asio::error::connection_reset;
    const bool lacks_certificate = data.demand() == certificate_demand::unmet;
    const bool lasting = is_lasting(ec) || (closed && lacks_certificate);
    auto info = make_info(lasting ? make_error_code(errc::tls_refused) : ec,
                          "the TLS handshake with " + host + " failed: " + ec.message());
    if (is_tls_failure(ec) || lacks_certificate)
        info.message += "; " + advice_on_tls(ec, data.demand());
    else if (closed)
        info.message += "; the server closed the connection (does it speak TLS on this port?)";
    return info;
}

asio::awaitable<tls_context::secured> openssl_context::secure_with(
    std::shared_ptr<scope> owner, std::shared_ptr<const tls_settings> settings,
    std::shared_ptr<session_cache> sessions, tcp::socket socket, std::string host,
    std::uint16_t port)
{
    auto data = std::make_unique<connection_data>();
    data->settings = settings;
    data->sessions = sessions;
    data->key = host + ":" + std::to_string(port);
    auto stream = make_tls_stream(std::move(socket), std::move(data));
    SSL* native = stream->native();
    const peer_identity whom(host);
    prepare(native, stream->data(), whom, sessions->take(stream->data().key));

    const scope::holder held(*owner, stream.get());
    error_code ec;
    co_await shake_hands(*stream, ec);
    if (ec)
        throw error(describe_failure(ec, host, stream->data()));
    if (settings->verifies && !is_verified(native, whom))
        throw error(refused(host, "the session that was resumed is not one of this host"));
    secured result;
    result.resumed = SSL_session_reused(native) == 1;
    result.demand = stream->data().demand();
    // A TLS 1.2 ticket may be used again; one of TLS 1.3 was spent, and a new one is on its way.
    if (result.resumed && SSL_version(native) < TLS1_3_VERSION)
        sessions->put(stream->data().key, session_ptr(SSL_get1_session(native)));
    result.stream = std::move(stream);
    co_return result;
}

}  // namespace

bool is_tls_truncation(const error_code& ec) noexcept { return ec == ssl::error::stream_truncated; }

std::shared_ptr<tls_context> make_tls_context(const tls_options& options)
{
    return std::make_shared<openssl_context>(options);
}

}  // namespace regolo::net
