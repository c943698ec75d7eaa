#pragma once

#include <openssl/x509_vfy.h>

namespace regolo::net {

/** Whether the certificate that is being verified is in a revocation list of its issuer. The newest list counts, and with it all
    of the same date, of which OpenSSL reads one. Without `tls_options::crl_file` nothing is. */
bool is_revoked(X509_STORE_CTX* verification);

}  // namespace regolo::net
