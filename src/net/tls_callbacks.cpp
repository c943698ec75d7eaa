#include "net/tls_callbacks.hpp"

#include "net/certificate_refusal.hpp"
#include "net/revocation.hpp"

#include <utility>

namespace regolo::net {

void session_cache::put(const std::string& key, session_ptr session)
{
    const std::lock_guard lock(mutex_);
    sessions_.insert_or_assign(key, std::move(session));
}

session_ptr session_cache::take(const std::string& key)
{
    const std::lock_guard lock(mutex_);
    const auto found = sessions_.find(key);
    if (found == sessions_.end())
        return nullptr;
    auto session = std::move(found->second);
    sessions_.erase(found);
    return session;
}

certificate_demand connection_data::demand() const noexcept
{
    return !asked_for_certificate             ? certificate_demand::none
           : settings->has_client_certificate ? certificate_demand::met
                                              : certificate_demand::unmet;
}

namespace {

int data_index()
{
    static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}

connection_data* data_of(const SSL* connection)
{
    return static_cast<connection_data*>(SSL_get_ex_data(connection, data_index()));
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

}  // namespace

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

void attach(SSL* connection, connection_data& data) noexcept
{
    const bool verifies = data.settings->verifies;
    SSL_set_ex_data(connection, data_index(), &data);
    SSL_set_cert_cb(connection, &on_certificate_request, nullptr);
    SSL_set_verify(connection, verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                   verifies ? &on_verify : nullptr);
}

void detach(SSL* connection) noexcept { SSL_set_ex_data(connection, data_index(), nullptr); }

}  // namespace regolo::net
