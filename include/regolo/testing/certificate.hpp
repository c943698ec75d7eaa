#pragma once

#include <string>
#include <utility>

namespace regolo::inline v0::testing {

/// What the certificate of a server looks like to a client that trusts its throw-away CA.
enum class leaf
{
    /// For localhost, 127.0.0.1 and ::1, valid now.
    good,
    /// For wrong.example only.
    wrong_host,
    expired,
    not_yet_valid,
    /// Signed with its own key, so by nobody the client trusts.
    self_signed,
};

/// A certificate and its private key, both PEM.
struct certificate
{
    certificate() = default;
    certificate(std::string certificate_pem, std::string private_key_pem)
        : pem(std::move(certificate_pem)), key_pem(std::move(private_key_pem))
    {}

    std::string pem;
    std::string key_pem;
};

/// The TLS versions a server offers.
enum class tls_versions
{
    both,
    only_1_2,
    only_1_3,
};

}  // namespace regolo::inline v0::testing
