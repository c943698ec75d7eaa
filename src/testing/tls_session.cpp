#include "testing/tls_session.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <array>
#include <stdexcept>

namespace regolo::inline v0::testing {

namespace {

void require_tls(bool ok, const char* what)
{
    if (!ok)
        throw std::runtime_error(std::string("cannot set up TLS: ") + what);
}

std::shared_ptr<BIO> memory_bio(const std::string& pem)
{
    return {BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free_all};
}

std::shared_ptr<X509> read_certificate(const std::string& pem)
{
    return {PEM_read_bio_X509(memory_bio(pem).get(), nullptr, nullptr, nullptr), X509_free};
}

int choose_http_1_1(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned int offered_size, void*)
{
    static constexpr std::array<unsigned char, 9> ours{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    auto* chosen = const_cast<unsigned char*>(*out);
    const int result =
        SSL_select_next_proto(&chosen, out_size, ours.data(), ours.size(), offered, offered_size);
    *out = chosen;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

void use_identity(SSL_CTX* context, const certificate& identity)
{
    const auto leaf = read_certificate(identity.pem);
    const std::shared_ptr<EVP_PKEY> key(
        PEM_read_bio_PrivateKey(memory_bio(identity.key_pem).get(), nullptr, nullptr, nullptr),
        EVP_PKEY_free);
    require_tls(SSL_CTX_use_certificate(context, leaf.get()) == 1, "certificate");
    require_tls(SSL_CTX_use_PrivateKey(context, key.get()) == 1, "private key");
}

void demand_client_certificate(SSL_CTX* context, const std::string& ca_pem)
{
    const auto ca = read_certificate(ca_pem);
    require_tls(X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca.get()) == 1, "client CA");
    require_tls(SSL_CTX_add_client_CA(context, ca.get()) == 1, "client CA");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
}

}  // namespace

tls_context::tls_context(const certificate& identity, tls_versions versions,
                         const std::string& client_ca_pem)
    : context_(SSL_CTX_new(TLS_server_method()), SSL_CTX_free)
{
    SSL_CTX* const context = context_.get();
    require_tls(context != nullptr, "SSL_CTX_new");
    SSL_CTX_set_min_proto_version(
        context, versions == tls_versions::only_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(
        context, versions == tls_versions::only_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION);
    use_identity(context, identity);
    // Tickets alone resume sessions: the server keeps none, so what a client does to one connection cannot hurt another.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    static constexpr std::array<unsigned char, 6> id{'r', 'e', 'g', 'o', 'l', 'o'};
    require_tls(SSL_CTX_set_session_id_context(context, id.data(), id.size()) == 1,
                "session id context");
    SSL_CTX_set_alpn_select_cb(context, choose_http_1_1, nullptr);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    if (!client_ca_pem.empty())
        demand_client_certificate(context, client_ca_pem);
}

tls_session::tls_session(const tls_context& context) : ssl_(SSL_new(context.native()), SSL_free)
{
    require_tls(ssl_ != nullptr, "SSL_new");
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));  // owned by the SSL
    SSL_set_accept_state(ssl_.get());
}

void tls_session::receive(std::string_view encrypted, std::string& plain)
{
    if (state_ == state::failed || encrypted.empty())
        return;
    BIO_write(SSL_get_rbio(ssl_.get()), encrypted.data(), static_cast<int>(encrypted.size()));
    if (state_ == state::handshake)
        shake_hands();
    if (state_ == state::established)
        decrypt(plain);
}

void tls_session::send(std::string_view plain)
{
    if (plain.empty() || state_ == state::failed)
        return;
    ERR_clear_error();
    if (SSL_write(ssl_.get(), plain.data(), static_cast<int>(plain.size())) <= 0)
        state_ = state::failed;
}

void tls_session::send_close_notify()
{
    ERR_clear_error();
    if (state_ == state::established || state_ == state::closed)
        SSL_shutdown(ssl_.get());
}

std::string tls_session::take_output()
{
    BIO* const bio = SSL_get_wbio(ssl_.get());
    std::string output(BIO_ctrl_pending(bio), '\0');
    if (!output.empty())
        BIO_read(bio, output.data(), static_cast<int>(output.size()));
    return output;
}

bool tls_session::is_resumed() const noexcept { return SSL_session_reused(ssl_.get()) == 1; }

void tls_session::shake_hands()
{
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    if (result == 1)
        state_ = state::established;
    else if (SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ)
        state_ = state::failed;
}

void tls_session::decrypt(std::string& plain)
{
    std::array<char, std::size_t{16} * 1024>
        buffer;  // NOLINT(*-member-init): written before it is read
    for (;;)
    {
        ERR_clear_error();
        const int size = SSL_read(ssl_.get(), buffer.data(), static_cast<int>(buffer.size()));
        if (size > 0)
        {
            plain.append(buffer.data(), static_cast<std::size_t>(size));
            continue;
        }
        const int error = SSL_get_error(ssl_.get(), size);
        if (error == SSL_ERROR_ZERO_RETURN)
            state_ = state::closed;
        else if (error != SSL_ERROR_WANT_READ)
            state_ = state::failed;
        return;
    }
}

}  // namespace regolo::inline v0::testing
