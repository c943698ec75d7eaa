#pragma once

#include <regolo/testing/certificate.hpp>

#include <memory>
#include <string>

namespace regolo::inline v0::testing {

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

}  // namespace regolo::inline v0::testing
