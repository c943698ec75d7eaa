#include "net/tls_context.hpp"

#include "net/certificate_refusal.hpp"
#include "net/openssl_ptr.hpp"
#include "net/os.hpp"
#include "net/out_of_memory.hpp"
#include "net/peer_identity.hpp"
#include "net/revocation.hpp"
#include "net/tls_failure.hpp"
#include "net/tls_settings.hpp"

#include <regolo/error.hpp>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <ctime>
#include <map>
#include <mutex>
#include <string_view>
#include <utility>

namespace regolo::net {

namespace {

namespace ssl = asio::ssl;

/// The latest session ticket of each host. A ticket of TLS 1.3 is used once.
class session_cache
{
public:
    void put(const std::string& key, session_ptr session)
    {
        const std::lock_guard lock(mutex_);
        sessions_.insert_or_assign(key, std::move(session));
    }

    session_ptr take(const std::string& key)
    {
        const std::lock_guard lock(mutex_);
        const auto found = sessions_.find(key);
        if (found == sessions_.end())
            return nullptr;
        auto session = std::move(found->second);
        sessions_.erase(found);
        return session;
    }

private:
    std::mutex mutex_;
    std::map<std::string, session_ptr> sessions_;
};

/// What OpenSSL's callbacks need to know of a connection; attached to its SSL object.
struct connection_data
{
    std::shared_ptr<const tls_settings> settings;
    std::shared_ptr<session_cache> sessions;
    std::string key;                     // host and port, for the session cache
    std::string refusal;                 // why the certificate was refused
    bool asked_for_certificate = false;  // by the server, of us

    [[nodiscard]] certificate_demand demand() const noexcept
    {
        return !asked_for_certificate             ? certificate_demand::none
               : settings->has_client_certificate ? certificate_demand::met
                                                  : certificate_demand::unmet;
    }
};

int data_index()
{
    static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}

connection_data* data_of(const SSL* connection)
{
    return static_cast<connection_data*>(SSL_get_ex_data(connection, data_index()));
}

int on_new_session(SSL* connection, SSL_SESSION* session)
{
    auto* data = data_of(connection);
    if (data == nullptr)
        return 0;
    try
    {
        data->sessions->put(data->key, session_ptr(session));
        return 1;  // the reference is ours now
    }
    catch (...)
    {
        return 1;  // it was, and is gone
    }
}

int on_certificate_request(SSL* connection, void*)
{
    if (auto* data = data_of(connection))
        data->asked_for_certificate = true;
    return 1;
}

/// OpenSSL counts the strength of RSA keys in steps, and takes some for 2048 bits that are a little shorter.
bool is_short_rsa_key(const X509* certificate)
{
    constexpr int least_bits = 2048;
    const EVP_PKEY* const key = X509_get0_pubkey(certificate);
    return key != nullptr && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA &&
           EVP_PKEY_get_bits(key) < least_bits;
}

/// What OpenSSL lets pass, as its error.
int flaw_of(X509_STORE_CTX* verification)
{
    const X509* const certificate = X509_STORE_CTX_get_current_cert(verification);
    if (certificate != nullptr && is_short_rsa_key(certificate))
        return X509_STORE_CTX_get_error_depth(verification) == 0 ? X509_V_ERR_EE_KEY_TOO_SMALL
                                                                 : X509_V_ERR_CA_KEY_TOO_SMALL;
    return is_revoked(verification) ? X509_V_ERR_CERT_REVOKED : X509_V_OK;
}

int on_verify(int good, X509_STORE_CTX* verification)
{
    if (good != 0)
    {
        const int flaw = flaw_of(verification);
        if (flaw == X509_V_OK)
            return good;
        X509_STORE_CTX_set_error(verification, flaw);
        good = 0;
    }
    // `tls_options::crl_file` must cover the server's certificate, and the authorities above it as far as it does.
    if (X509_STORE_CTX_get_error(verification) == X509_V_ERR_UNABLE_TO_GET_CRL &&
        X509_STORE_CTX_get_error_depth(verification) > 0)
    {
        X509_STORE_CTX_set_error(verification, X509_V_OK);
        return 1;
    }
    auto* connection = static_cast<SSL*>(
        X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* data = data_of(connection);
    if (data == nullptr)
        return good;
    try
    {
        // Now, since the certificate is gone once the handshake has failed.
        data->refusal = describe_refusal(verification, data->settings->trust_note);
    }
    catch (...)
    {
        data->refusal = "out of memory";  // short enough to need none
    }
    return good;
}

class tls_stream final : public byte_stream
{
public:
    tls_stream(tcp::socket socket, std::unique_ptr<connection_data> data)
        : data_(std::move(data)), stream_(std::move(socket), *data_->settings->context)
    {
        SSL* const native = stream_.native_handle();
        SSL_set_ex_data(native, data_index(), data_.get());
        SSL_set_cert_cb(native, &on_certificate_request, nullptr);
        SSL_set_verify(native, data_->settings->verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                       data_->settings->verifies ? &on_verify : nullptr);
    }

    ~tls_stream() override
    {
        // Without this OpenSSL takes the session for broken and a ticket of it cannot be used.
        SSL_set_shutdown(stream_.native_handle(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_set_ex_data(stream_.native_handle(), data_index(), nullptr);
    }

    void async_read_some(asio::mutable_buffer into, handler done) override
    {
        stream_.async_read_some(into, std::move(done));
    }

    void async_write_some(asio::const_buffer from, handler done) override
    {
        stream_.async_write_some(from, std::move(done));
    }

    void async_wait_readable(wait_handler done) override
    {
        socket().async_wait(tcp::socket::wait_read, std::move(done));
    }

    void cancel_wait() noexcept override
    {
        error_code ignored;
        socket().cancel(ignored);
    }

    silence peek() noexcept override
    {
        // What came together with the last answer is not in the socket any more.
        SSL* const native = stream_.native_handle();
        char byte = 0;
        ERR_clear_error();
        const int found = SSL_peek(native, &byte, 1);
        const int why = SSL_get_error(native, found);
        ERR_clear_error();
        if (why == SSL_ERROR_ZERO_RETURN)
            return silence::closed;
        if (why != SSL_ERROR_WANT_READ || has_part())
            return silence::data;
        return os::peek(socket());
    }

    std::optional<std::uint64_t> acknowledged() noexcept override
    {
        return os::acknowledged(socket());
    }

    bool has_part() noexcept override
    {
        // A record's first bytes are pending; between its header and its body OpenSSL waits in the state "RB".
        const auto* native = stream_.native_handle();
        return SSL_has_pending(native) == 1 || std::string_view(SSL_rstate_string(native)) == "RB";
    }

    void close() noexcept override
    {
        // No close_notify: waiting for the peer's answer may take for ever, and HTTP tells where a message ends.
        error_code ignored;
        socket().close(ignored);
    }

    connection_data& data() noexcept { return *data_; }
    ssl::stream<tcp::socket>& stream() noexcept { return stream_; }

private:
    tcp::socket& socket() noexcept { return stream_.next_layer(); }

    std::unique_ptr<connection_data> data_;
    ssl::stream<tcp::socket> stream_;
};

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
    auto stream = std::make_unique<tls_stream>(std::move(socket), std::move(data));
    SSL* native = stream->stream().native_handle();
    const peer_identity whom(host);
    prepare(native, stream->data(), whom, sessions->take(stream->data().key));

    const scope::holder held(*owner, stream.get());
    error_code ec;
    co_await stream->stream().async_handshake(ssl::stream_base::client,
                                              asio::redirect_error(asio::use_awaitable, ec));
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
