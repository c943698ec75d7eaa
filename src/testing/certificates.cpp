#include "testing/certificates.hpp"

#include "testing/issue_certificate.hpp"

namespace regolo::inline v0::testing {

namespace {

issued make_ca()
{
    certificate_plan what;
    what.common_name = "regolo test CA (throw-away)";
    what.extensions = {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                       {NID_key_usage, "critical,keyCertSign,cRLSign"},
                       {NID_subject_key_identifier, "hash"}};
    return issue(what);
}

certificate to_pem(const issued& made) { return {made.pem(), made.key_pem()}; }

}  // namespace

struct certificate_authority::state
{
    issued root = make_ca();
    std::string pem = root.pem();
};

certificate_authority::certificate_authority() : state_(std::make_unique<state>()) {}

certificate_authority::~certificate_authority() = default;
certificate_authority::certificate_authority(certificate_authority&&) noexcept = default;
certificate_authority& certificate_authority::operator=(certificate_authority&&) noexcept = default;

const std::string& certificate_authority::pem() const noexcept { return state_->pem; }

certificate certificate_authority::issue_server(leaf kind) const
{
    static constexpr auto here = "DNS:localhost,IP:127.0.0.1,IP:::1";
    certificate_plan what;
    what.common_name = "regolo test server";
    what.extensions = {
        {NID_subject_alt_name, kind == leaf::wrong_host ? "DNS:wrong.example" : here},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, "serverAuth"}};
    if (kind == leaf::expired)
    {
        what.valid_from = -10 * day;
        what.valid_until = -day;
    }
    if (kind == leaf::not_yet_valid)
        what.valid_from = 10 * day;
    return to_pem(kind == leaf::self_signed ? issue(what) : issue(what, &state_->root));
}

certificate certificate_authority::issue_client(const std::string& common_name) const
{
    certificate_plan what;
    what.common_name = common_name;
    what.extensions = {{NID_key_usage, "critical,digitalSignature"},
                       {NID_ext_key_usage, "clientAuth"}};
    return to_pem(issue(what, &state_->root));
}

}  // namespace regolo::inline v0::testing
