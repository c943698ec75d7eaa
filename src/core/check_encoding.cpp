#include "core/check_encoding.hpp"

#include "core/text.hpp"
#include "core/utf8.hpp"

namespace regolo::core {

namespace {

/// The coding that HTTP's own parser does not take off; empty: none.
std::string_view find_coding(const std::vector<header>& headers) noexcept
{
    const auto content = find_header(headers, "content-encoding");
    if (content && !content->empty() && !iequals(*content, "identity"))
        return *content;
    // "gzip, chunked": compressed for the way
    const auto transfer = find_header(headers, "transfer-encoding");
    if (transfer && !transfer->empty() && !iequals(*transfer, "chunked") &&
        !iequals(*transfer, "identity"))
        return *transfer;
    return {};
}

}  // namespace

result<void> check_encoding(const response_head& head)
{
    const auto encoding = find_coding(head.headers);
    if (encoding.empty())
        return {};
    error_info info;
    info.code = errc::unsupported_encoding;
    info.where = phase::head;
    info.sent = true;
    info.http_status = head.status;
    info.message = "the response is encoded as \"" + printable(encoding, 40) +
                   "\", which the request did not ask for; switch compression off in the gateway "
                   "in front of the API";
    return info;
}

}  // namespace regolo::core
