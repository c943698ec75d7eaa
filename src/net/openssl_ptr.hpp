#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>

namespace regolo::net {

template <auto Free>
struct openssl_free
{
    template <class T>
    void operator()(T* object) const noexcept
    {
        Free(object);
    }
};

using bio_ptr = std::unique_ptr<BIO, openssl_free<BIO_free_all>>;
using certificate_ptr = std::unique_ptr<X509, openssl_free<X509_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, openssl_free<EVP_PKEY_free>>;
using session_ptr = std::unique_ptr<SSL_SESSION, openssl_free<SSL_SESSION_free>>;

}  // namespace regolo::net
