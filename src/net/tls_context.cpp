#include "net/tls_context.hpp"

#include "net/os.hpp"

#include <regolo/error.hpp>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstdlib>
#include <map>
#include <mutex>
#include <utility>

namespace regolo::net {

namespace {

namespace ssl = asio::ssl;

struct session_free
{
    void operator()(SSL_SESSION* session) const noexcept { SSL_SESSION_free(session); }
};
using session_ptr = std::unique_ptr<SSL_SESSION, session_free>;

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
    std::shared_ptr<session_cache> sessions;
    std::string key;      // host and port, for the session cache
    std::string refusal;  // why the certificate was refused
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
        return 0;
    }
}

std::string name_text(const X509_NAME* name)
{
    if (name == nullptr)
        return "?";
    const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
    if (!out)
        return "?";
    X509_NAME_print_ex(out.get(), name, 0,
                       XN_FLAG_ONELINE & ~XN_FLAG_SPC_EQ & ~ASN1_STRFLGS_ESC_MSB);
    char* text = nullptr;
    const auto size = BIO_get_mem_data(out.get(), &text);
    return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : "(no name)";
}

// "host a.example, *.b.example", as the certificate lists them.
std::string alternative_names(const X509* certificate)
{
    std::string result;
    auto* names = static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names); ++i)
    {
        const auto* name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DNS)
            continue;
        const auto* text = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
        result += (result.empty() ? "" : ", ") +
                  std::string(text, static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
    }
    GENERAL_NAMES_free(names);
    return result;
}

// What is wrong with the chain, in one sentence; the certificate is gone once the handshake has failed.
int on_verify(int good, X509_STORE_CTX* store)
{
    if (good != 0)
        return good;
    auto* connection =
        static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* data = data_of(connection);
    if (data == nullptr || !data->refusal.empty())
        return good;
    try
    {
        const int reason = X509_STORE_CTX_get_error(store);
        data->refusal = X509_verify_cert_error_string(reason);
        if (const auto* certificate = X509_STORE_CTX_get_current_cert(store))
        {
            data->refusal +=
                " (certificate " + std::to_string(X509_STORE_CTX_get_error_depth(store)) +
                " of the chain: subject " + name_text(X509_get_subject_name(certificate)) +
                ", issuer " + name_text(X509_get_issuer_name(certificate));
            const auto names = alternative_names(certificate);
            if (!names.empty())
                data->refusal += ", valid for " + names;
            data->refusal += ")";
        }
    }
    catch (...)
    {
        // Out of memory: the refusal itself stands.
    }
    return good;
}

[[noreturn]] void throw_bad_config(const char* option, const std::string& what,
                                   const error_code& ec)
{
    error_info info;
    info.code = errc::bad_config;
    info.message =
        std::string("tls_options::") + option + " cannot be used: " + what + ": " + ec.message();
    throw error(std::move(info));
}

std::shared_ptr<ssl::context> load_context(const tls_options& options)
{
    auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
    SSL_CTX* native = context->native_handle();
    SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
    SSL_CTX_set_session_cache_mode(native,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(native, &on_new_session);
    SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
    static constexpr std::array<unsigned char, 9> protocols{8,   'h', 't', 't', 'p',
                                                            '/', '1', '.', '1'};
    SSL_CTX_set_alpn_protos(native, protocols.data(), static_cast<unsigned>(protocols.size()));
    if (options.dangerously_skip_verification)
    {
        context->set_verify_mode(ssl::verify_none);
    }
    else
    {
        SSL_CTX_set_verify(native, SSL_VERIFY_PEER, &on_verify);
    }

    error_code ec;
    // Covers SSL_CERT_FILE and SSL_CERT_DIR; a system without a store is no error, verification fails later.
    context->set_default_verify_paths(ec);
    ERR_clear_error();
    if (!options.ca_file.empty())
    {
        context->load_verify_file(options.ca_file, ec = {});
        if (ec)
            throw_bad_config("ca_file", options.ca_file, ec);
    }
    if (!options.ca_pem.empty())
    {
        context->add_certificate_authority(asio::buffer(options.ca_pem), ec = {});
        if (ec)
            throw_bad_config("ca_pem", "not a PEM certificate", ec);
    }
    if (!options.client_cert_file.empty())
    {
        context->use_certificate_chain_file(options.client_cert_file, ec = {});
        if (ec)
            throw_bad_config("client_cert_file", options.client_cert_file, ec);
    }
    if (!options.client_key_file.empty())
    {
        context->use_private_key_file(options.client_key_file, ssl::context::pem, ec = {});
        if (ec)
            throw_bad_config("client_key_file", options.client_key_file, ec);
    }
    return context;
}

/** The context for those options, made once per process: loading the trust store takes 33 to 42 ms. The last one
    made is kept; programs have one set of options. */
std::shared_ptr<ssl::context> shared_context(const tls_options& options)
{
    struct slot
    {
        std::mutex mutex;
        std::array<std::string, 7> key;
        std::shared_ptr<ssl::context> context;
    };
    // Never destroyed: clients may outlive static objects.
    static auto& last = *new slot;

    const auto environment = [](const char* name) {
        const char* value = std::getenv(name);
        return std::string(value == nullptr ? "" : value);
    };
    std::array<std::string, 7> key{options.ca_file,
                                   options.ca_pem,
                                   options.client_cert_file,
                                   options.client_key_file,
                                   options.dangerously_skip_verification ? "skip" : "",
                                   environment("SSL_CERT_FILE"),
                                   environment("SSL_CERT_DIR")};
    const std::lock_guard lock(last.mutex);
    if (last.context == nullptr || last.key != key)
    {
        last.context = load_context(options);
        last.key = std::move(key);
    }
    return last.context;
}

class tls_stream final : public byte_stream
{
public:
    tls_stream(tcp::socket socket, std::shared_ptr<ssl::context> context,
               std::unique_ptr<connection_data> data)
        : context_(std::move(context)),
          data_(std::move(data)),
          stream_(std::move(socket), *context_)
    {
        SSL_set_ex_data(stream_.native_handle(), data_index(), data_.get());
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

    silence peek() noexcept override { return os::peek(socket()); }

    std::optional<std::uint64_t> acknowledged() noexcept override
    {
        return os::acknowledged(socket());
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

    std::shared_ptr<ssl::context> context_;
    std::unique_ptr<connection_data> data_;
    ssl::stream<tcp::socket> stream_;
};

class openssl_context final : public tls_context
{
public:
    explicit openssl_context(const tls_options& options)
        : context_(shared_context(options)), sessions_(std::make_shared<session_cache>())
    {}

    asio::awaitable<secured> secure(std::shared_ptr<scope> owner, tcp::socket socket,
                                    std::string host, std::uint16_t port) override
    {
        return secure_with(std::move(owner), context_, sessions_, std::move(socket),
                           std::move(host), port);
    }

private:
    static asio::awaitable<secured> secure_with(std::shared_ptr<scope> owner,
                                                std::shared_ptr<ssl::context> context,
                                                std::shared_ptr<session_cache> sessions,
                                                tcp::socket socket, std::string host,
                                                std::uint16_t port);

    static void expect_host(SSL* connection, const std::string& host);
    static error_info describe_failure(const error_code& ec, const std::string& host,
                                       const std::string& refusal);

    std::shared_ptr<ssl::context> context_;
    std::shared_ptr<session_cache> sessions_;
};

void openssl_context::expect_host(SSL* connection, const std::string& host)
{
    error_code not_an_address;
    asio::ip::make_address(host, not_an_address);
    if (not_an_address)
    {
        SSL_set_tlsext_host_name(connection, host.c_str());
        SSL_set_hostflags(connection, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        SSL_set1_host(connection, host.c_str());
    }
    else
    {
        // Server name indication is for names alone.
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(connection), host.c_str());
    }
}

error_info openssl_context::describe_failure(const error_code& ec, const std::string& host,
                                             const std::string& refusal)
{
    error_info info;
    info.where = phase::tls;
    if (!refusal.empty())
    {
        info.code = errc::certificate_refused;
        info.message =
            "the certificate of " + host + " was refused: " + refusal +
            "; check the host name in base_url, the system's clock and trust store, or add the "
            "authority with tls_options::ca_file or SSL_CERT_FILE";
        return info;
    }
    info.code = ec;
    info.message = "the TLS handshake with " + host + " failed: " + ec.message();
    if (ec == asio::error::eof || ec == ssl::error::stream_truncated ||
        ec == asio::error::connection_reset)
    {
        info.message += "; the server closed the connection (does it speak TLS on this port?)";
    }
    else if (ec.category() == asio::error::get_ssl_category())
    {
        info.message += "; if the server speaks plain HTTP on this port, write http:// in base_url";
    }
    return info;
}

asio::awaitable<tls_context::secured> openssl_context::secure_with(
    std::shared_ptr<scope> owner, std::shared_ptr<ssl::context> context,
    std::shared_ptr<session_cache> sessions, tcp::socket socket, std::string host,
    std::uint16_t port)
{
    auto data = std::make_unique<connection_data>();
    data->sessions = sessions;
    data->key = host + ":" + std::to_string(port);
    auto session = sessions->take(data->key);
    auto stream =
        std::make_unique<tls_stream>(std::move(socket), std::move(context), std::move(data));
    SSL* native = stream->stream().native_handle();
    expect_host(native, host);
    if (session)
        SSL_set_session(native, session.get());

    const scope::holder held(*owner, stream.get());
    error_code ec;
    co_await stream->stream().async_handshake(ssl::stream_base::client,
                                              asio::redirect_error(asio::use_awaitable, ec));
    if (ec)
        throw error(describe_failure(ec, host, stream->data().refusal));
    const bool resumed = SSL_session_reused(native) == 1;
    // A TLS 1.2 ticket may be used again; one of TLS 1.3 was spent, and a new one is on its way.
    if (resumed && SSL_version(native) < TLS1_3_VERSION)
    {
        sessions->put(stream->data().key, std::move(session));
    }
    secured result;
    result.stream = std::move(stream);
    result.resumed = resumed;
    co_return result;
}

}  // namespace

bool is_tls_truncation(const error_code& ec) noexcept { return ec == ssl::error::stream_truncated; }

bool is_tls_failure(const error_code& ec) noexcept
{
    return ec.category() == asio::error::get_ssl_category();
}

std::shared_ptr<tls_context> make_tls_context(const tls_options& options)
{
    return std::make_shared<openssl_context>(options);
}

}  // namespace regolo::net
