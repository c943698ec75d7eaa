#include "core/base_url.hpp"
#include "core/text.hpp"

#include <boost/url/ipv4_address.hpp>
#include <boost/url/ipv6_address.hpp>

#include <algorithm>

namespace regolo::core {
namespace {

namespace urls = boost::urls;

/// What getaddrinfo would read as an IPv4 address, in whatever base and with however few parts.
bool ends_in_number(std::string_view host) noexcept
{
    const std::string_view last = host.substr(host.rfind('.') + 1);  // npos + 1 is 0
    if (last.size() > 1 && last[0] == '0' && to_lower(last[1]) == 'x')
    {
        return true;
    }
    return !last.empty() && std::all_of(last.begin(), last.end(), is_digit);
}

bool is_private(const urls::ipv4_address& address) noexcept
{
    const auto bytes = address.to_bytes();
    return bytes[0] == 127 || bytes[0] == 10 || (bytes[0] == 172 && (bytes[1] & 0xf0) == 16) ||
           (bytes[0] == 192 && bytes[1] == 168) || (bytes[0] == 169 && bytes[1] == 254);
}

bool is_private(const urls::ipv6_address& address) noexcept
{
    const auto bytes = address.to_bytes();
    if (address.is_v4_mapped())
    {
        return is_private(urls::ipv4_address({bytes[12], bytes[13], bytes[14], bytes[15]}));
    }
    return address.is_loopback() || (bytes[0] & 0xfe) == 0xfc ||
           (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80);
}

/// Whether `name` is `domain` or below it; in any case.
bool is_within(std::string_view name, std::string_view domain) noexcept
{
    if (name.size() < domain.size())
    {
        return false;
    }
    const std::string_view tail = name.substr(name.size() - domain.size());
    const bool same = std::equal(tail.begin(), tail.end(), domain.begin(),
                                 [](char a, char b) { return to_lower(a) == b; });
    return same && (tail.size() == name.size() || name[name.size() - tail.size() - 1] == '.');
}

/// Names of a cluster's services: "svc" is a label after the first one.
bool has_service_label(std::string_view name) noexcept
{
    for (;;)
    {
        if (is_within(name, "svc") && name.size() > 3)
        {
            return true;
        }
        const std::size_t dot = name.rfind('.');
        if (dot == std::string_view::npos)
        {
            return false;
        }
        name = name.substr(0, dot);
    }
}

}  // namespace

bool is_host_name(std::string_view host) noexcept
{
    constexpr std::size_t longest = 253;
    if (host.empty() || host.size() > longest || host.front() == '.' ||
        host.find("..") != std::string_view::npos || ends_in_number(host))
    {
        return false;
    }
    return std::all_of(host.begin(), host.end(), [](char c) {
        return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_';
    });
}

bool is_loopback_name(std::string_view host) noexcept
{
    if (host.ends_with('.'))
    {
        host.remove_suffix(1);
    }
    return is_within(host, "localhost");
}

bool is_local_host(std::string_view host) noexcept
{
    if (host.ends_with('.'))
    {
        host.remove_suffix(1);
    }
    if (const auto v4 = urls::parse_ipv4_address(host))
    {
        return is_private(*v4);
    }
    if (const auto v6 = urls::parse_ipv6_address(host))
    {
        return is_private(*v6);
    }
    if (!is_host_name(host))
    {
        return false;
    }
    return host.find('.') == std::string_view::npos || is_loopback_name(host) ||
           is_within(host, "local") || is_within(host, "internal") || has_service_label(host);
}

result<void> check_plaintext(const core::origin& where, bool has_key, bool allowed)
{
    if (where.tls || !has_key || allowed || is_local_host(where.host))
    {
        return {};
    }
    return failure(errc::plaintext_refused,
                   "the key would travel unencrypted to " + to_string(where) +
                       ": use https://, or allow it with client_config::allow_plaintext or "
                       "REGOLO_ALLOW_PLAINTEXT=1");
}

}  // namespace regolo::core
