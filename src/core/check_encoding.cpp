#include "core/check_encoding.hpp"

namespace regolo::core {

result<void> check_encoding(const response_head& head)
{
    const auto encoding = find_header(head.headers, "content-encoding");
    if (!encoding || encoding->empty() || iequals(*encoding, "identity"))
        return {};
    error_info info;
    info.code = errc::unsupported_encoding;
    info.where = phase::head;
    info.sent = true;
    info.http_status = head.status;
    info.message = "the response is encoded as \"" + std::string(encoding->substr(0, 40)) +
                   "\", which the request did not ask for; switch compression off in the gateway "
                   "in front of the API";
    return info;
}

}  // namespace regolo::core
