#pragma once

#include <openssl/ssl.h>

#include <ctime>
#include <string>

namespace regolo::net {

/** Whom a TLS connection must be with: a host name, or an IP address.

    Names are compared as RFC 9525 says: with the subjectAltName alone and never with the common name, a wildcard for one
    whole label on the left, the case ignored, the dot at the end of a rooted name left out.
*/
class peer_identity
{
public:
    explicit peer_identity(std::string host);

    /// Has the handshake ask for that host, and verify that the certificate is for it.
    [[nodiscard]] bool require_of(SSL* connection) const;

    [[nodiscard]] bool matches(X509* certificate) const;

private:
    std::string host_;
    bool is_address_;
};

/** Whether a session may be resumed, since a resumed handshake shows no certificate: the one it was made with must be for
    that host and still be valid. */
bool may_resume(const SSL_SESSION* session, const peer_identity& whom, std::time_t now);

/// Whether the handshake, or the one whose session it resumed, verified the certificate, and it is for that host.
bool is_verified(const SSL* connection, const peer_identity& whom);

}  // namespace regolo::net
