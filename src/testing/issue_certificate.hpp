#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace regolo::inline v0::testing {

constexpr long day = 24L * 60 * 60;

/// What sets one certificate apart from another; times are seconds from now.
struct certificate_plan
{
    std::string common_name;
    long valid_from = -day;
    long valid_until = 30 * day;
    std::vector<std::pair<int, std::string>> extensions;  // OpenSSL's number, and its text for it
    unsigned rsa_bits = 0;                                // 0: EC P-256
    const EVP_MD* digest = EVP_sha256();
};

/// A certificate and its private key.
class issued
{
public:
    issued(std::shared_ptr<X509> made, std::shared_ptr<EVP_PKEY> key)
        : certificate_(std::move(made)), key_(std::move(key))
    {}

    [[nodiscard]] X509* certificate() const noexcept { return certificate_.get(); }
    [[nodiscard]] EVP_PKEY* key() const noexcept { return key_.get(); }
    [[nodiscard]] std::string pem() const;
    [[nodiscard]] std::string key_pem() const;

private:
    std::shared_ptr<X509> certificate_;
    std::shared_ptr<EVP_PKEY> key_;
};

/// `issuer` null: the certificate issues itself.
issued issue(const certificate_plan& what, const issued* issuer = nullptr);

}  // namespace regolo::inline v0::testing
