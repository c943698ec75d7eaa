#include "net/tls_failure.hpp"

#include "net/out_of_memory.hpp"

#include <boost/asio/ssl/error.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/sslerr.h>

namespace regolo::net {

namespace {

int reason_of(const error_code& ec) noexcept
{
    // A reason is only one within its library.
    const auto code = static_cast<unsigned long>(ec.value());
    return is_tls_failure(ec) && ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
}

// The peer's own trouble, or bytes that got lost.
bool is_passing(int reason) noexcept
{
    switch (reason)
    {
        case SSL_R_TLSV1_ALERT_INTERNAL_ERROR:
        case SSL_R_TLSV1_ALERT_USER_CANCELLED:
        case SSL_R_SSLV3_ALERT_BAD_RECORD_MAC:
        case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:  // of the same cause, seen by us
        case SSL_R_TLSV1_ALERT_DECRYPTION_FAILED:
        case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
        case SSL_AD_REASON_OFFSET + SSL_AD_CLOSE_NOTIFY:
            return true;
        default:
            return false;
    }
}

// The server does not like the one that was shown, or that there was none.
bool concerns_client_certificate(int reason) noexcept
{
    switch (reason)
    {
        case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
        case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
        case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
            return true;
        default:
            return false;
    }
}

}  // namespace

bool is_tls_failure(const error_code& ec) noexcept
{
    return ec.category() == asio::error::get_ssl_category();
}

bool is_out_of_memory(const error_code& ec) noexcept
{
    const auto code = static_cast<unsigned long>(ec.value());
    return ec == out_of_memory() ||
           (is_tls_failure(ec) && ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE);
}

bool is_refusal_by_alert(const error_code& ec) noexcept
{
    const int reason = reason_of(ec);
    return concerns_client_certificate(reason) || reason == SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE ||
           reason == SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY;
}

bool is_lasting(const error_code& handshake_failure) noexcept
{
    return is_tls_failure(handshake_failure) && !is_passing(reason_of(handshake_failure));
}

std::string advice_on_tls(const error_code& ec, certificate_demand demand)
{
    if (demand == certificate_demand::unmet)
    {
        return "the server demands a client certificate: set tls_options::client_cert_file and "
               "client_key_file";
    }
    const int reason = reason_of(ec);
    if (concerns_client_certificate(reason))
    {
        return "the server does not accept the client certificate: check "
               "tls_options::client_cert_file, or ask for one that it knows";
    }
    switch (reason)
    {
        case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        case SSL_R_UNSUPPORTED_PROTOCOL:
        case SSL_R_WRONG_SSL_VERSION:
            return "the server speaks no version of TLS that is safe: it needs 1.2 or 1.3, and "
                   "1.0 and 1.1 are never used";
        case SSL_R_WRONG_VERSION_NUMBER:
        case SSL_R_HTTP_REQUEST:
            return "if the server speaks plain HTTP on this port, write http:// in base_url";
        case SSL_R_DH_KEY_TOO_SMALL:
        case SSL_R_EE_KEY_TOO_SMALL:
        case SSL_R_WRONG_SIGNATURE_TYPE:
        case SSL_R_LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED:
            return "the server's keys or signatures are too weak to be safe, and must be replaced "
                   "there";
        case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
        case SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY:
            return "the server found nothing that both sides allow: it may know no cipher that is "
                   "safe, or no certificate for this host";
        case SSL_R_TLSV1_UNRECOGNIZED_NAME:
            return "the server knows no host of that name: check base_url";
        default:
            if (demand == certificate_demand::met && !is_tls_failure(ec))
            {
                return "it may not accept the client certificate: check "
                       "tls_options::client_cert_file, or ask for one that it knows";
            }
            return "the two sides could not agree on TLS; if the server speaks plain HTTP on this "
                   "port, write http:// in base_url";
    }
}

}  // namespace regolo::net
