#pragma once

#include <openssl/x509.h>

#include <string>

namespace regolo::net {

/** Why OpenSSL's verification ends where it is, for a person: the reason, the certificates that the server sent, each with
    its names and its time, and what to do. Bounded, and without control characters, whatever is in the certificates.

    @param trust_note  what to say of the trust store where the issuer is unknown; may be empty
*/
std::string describe_refusal(X509_STORE_CTX* verification, const std::string& trust_note);

}  // namespace regolo::net
