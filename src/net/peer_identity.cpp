#include "net/peer_identity.hpp"

#include <boost/asio/ip/address.hpp>
#include <openssl/x509v3.h>

#include <utility>

namespace regolo::net {

namespace {

constexpr unsigned host_flags =
    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;

bool is_address(const std::string& host)
{
    boost::system::error_code not_one;
    boost::asio::ip::make_address(host, not_one);
    return !not_one;
}

}  // namespace

peer_identity::peer_identity(std::string host)
    : host_(std::move(host)), is_address_(is_address(host_))
{
    if (!is_address_ && host_.ends_with('.'))
        host_.pop_back();
}

bool peer_identity::require_of(SSL* connection) const
{
    X509_VERIFY_PARAM* const param = SSL_get0_param(connection);
    // Server name indication is for names alone.
    if (is_address_)
        return X509_VERIFY_PARAM_set1_ip_asc(param, host_.c_str()) == 1;
    X509_VERIFY_PARAM_set_hostflags(param, host_flags);
    // Which refuses an empty name: the comparison would take it for "any".
    return SSL_set_tlsext_host_name(connection, host_.c_str()) == 1 &&
           X509_VERIFY_PARAM_set1_host(param, host_.c_str(), host_.size()) == 1;
}

bool peer_identity::matches(X509* certificate) const
{
    if (certificate == nullptr || host_.empty())
        return false;
    if (is_address_)
        return X509_check_ip_asc(certificate, host_.c_str(), 0) == 1;
    return X509_check_host(certificate, host_.c_str(), host_.size(), host_flags, nullptr) == 1;
}

bool may_resume(const SSL_SESSION* session, const peer_identity& whom, std::time_t now)
{
    // OpenSSL's declaration lacks the const.
    X509* const certificate = SSL_SESSION_get0_peer(const_cast<SSL_SESSION*>(session));
    return whom.matches(certificate) && X509_cmp_time(X509_get0_notAfter(certificate), &now) > 0;
}

bool is_verified(const SSL* connection, const peer_identity& whom)
{
    return SSL_get_verify_result(connection) == X509_V_OK &&
           whom.matches(SSL_get0_peer_certificate(connection));
}

}  // namespace regolo::net
