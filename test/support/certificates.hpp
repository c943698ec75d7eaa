#pragma once

#include <memory>
#include <string>

namespace regolo::test {

/// What the certificate of a server looks like to a client that trusts the throw-away CA.
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
    std::string pem;
    std::string key_pem;
};

/** A certificate authority that lives as long as its owner; its private key never leaves memory.

    All keys are EC P-256, so that making them costs well under a millisecond.
*/
class certificate_authority
{
public:
    certificate_authority();
    ~certificate_authority();
    certificate_authority(certificate_authority&&) noexcept;
    certificate_authority& operator=(certificate_authority&&) noexcept;

    [[nodiscard]] const std::string& pem() const noexcept;

    [[nodiscard]] certificate issue_server(leaf kind) const;

    [[nodiscard]] certificate issue_client(const std::string& common_name) const;

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace regolo::test
