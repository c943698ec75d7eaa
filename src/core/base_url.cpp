#include "core/base_url.hpp"

#include "core/text.hpp"

#include <boost/url/ipv4_address.hpp>
#include <boost/url/ipv6_address.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>

namespace regolo::core {
namespace {

namespace urls = boost::urls;

// The URL itself is in none of these texts: it may hold a password.
error_info bad_url(std::string_view what)
{
    return failure(errc::bad_url, "the base URL " + std::string(what) +
                                      "; it looks like https://api.regolo.ai or "
                                      "http://localhost:8000/v1");
}

constexpr std::uint16_t default_port(bool tls) noexcept { return tls ? 443 : 80; }

bool has_port(const origin& where) noexcept { return where.port != default_port(where.tls); }

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

result<std::string> read_host(const urls::url_view& url)
{
    switch (url.host_type())
    {
        case urls::host_type::ipv4:
            return std::string(url.host_address());
        case urls::host_type::ipv6:
            return std::string(url.host_ipv6_address().to_string());
        case urls::host_type::name:
        {
            const std::string_view encoded = url.encoded_host();
            std::string host = to_lower(encoded);
            if (is_host_name(host))
            {
                return host;
            }
            return bad_url(host.empty() ? "has no host" : "has a host that is no host name");
        }
        default:
            return bad_url("has no host");
    }
}

result<std::uint16_t> read_port(const urls::url_view& url, bool tls)
{
    if (url.port().empty())
    {
        return default_port(tls);
    }
    const std::uint16_t port = url.port_number();  // zero where it does not fit
    if (port == 0)
    {
        return bad_url("has a port that is not between 1 and 65535");
    }
    return port;
}

std::string read_prefix(std::string_view path)
{
    constexpr std::string_view version = "/v1";
    for (;;)
    {
        if (path.ends_with('/'))
        {
            path.remove_suffix(1);
        }
        else if (path.ends_with(version))
        {
            path.remove_suffix(version.size());
        }
        else
        {
            return std::string(path);
        }
    }
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

std::string to_string(const origin& where)
{
    return (where.tls ? "https://" : "http://") + host_field(where);
}

std::string host_field(const origin& where)
{
    const bool literal = where.host.find(':') != std::string::npos;
    std::string text = literal ? '[' + where.host + ']' : where.host;
    if (has_port(where))
    {
        text += ':' + std::to_string(where.port);
    }
    return text;
}

result<base_url> parse_base_url(std::string_view text)
{
    if (trim(text).empty())
    {
        return bad_url("is empty");
    }
    if (!std::all_of(text.begin(), text.end(), is_ascii))
    {
        return bad_url(
            "has a character outside ASCII: write a host name in punycode (xn--...) and the rest "
            "percent-encoded");
    }
    if (!std::all_of(text.begin(), text.end(), is_visible))
    {
        return bad_url("has a space or a control character");
    }
    const auto parsed = urls::parse_uri(text);
    if (!parsed)
    {
        return bad_url(text.find("://") == std::string_view::npos
                           ? "does not begin with https:// or http://"
                           : "is not a valid URL");
    }
    const urls::url_view& url = *parsed;
    const std::string scheme = to_lower(std::string_view(url.scheme()));
    if ((scheme != "https" && scheme != "http") || !url.has_authority())
    {
        return bad_url("does not begin with https:// or http://");
    }
    if (url.has_userinfo())
    {
        return bad_url("has a user name or password, which belong into client_config::key");
    }
    if (url.has_query() || url.has_fragment())
    {
        return bad_url("has a query (?) or fragment (#), which belong into call_options::query");
    }
    base_url out;
    out.origin.tls = scheme == "https";
    result<std::string> host = read_host(url);
    if (!host)
    {
        return host.error();
    }
    out.origin.host = *std::move(host);
    const result<std::uint16_t> port = read_port(url, out.origin.tls);
    if (!port)
    {
        return port.error();
    }
    out.origin.port = *port;
    const std::string_view path = url.encoded_path();
    if (!path.empty() && path.front() != '/')
    {
        return bad_url("is not a valid URL");  // "host:80a", which Boost 1.81 lets pass
    }
    out.prefix = read_prefix(path);
    return out;
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
    return host.find('.') == std::string_view::npos || is_within(host, "localhost") ||
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

result<std::string> make_target(const base_url& url, std::string_view path,
                                const std::vector<std::pair<std::string, std::string>>& query)
{
    // neither is the path in the texts: its query may hold a secret
    if (!std::all_of(path.begin(), path.end(), is_visible))
    {
        return failure(errc::bad_url,
                       "the path has a space, a control character or a character outside ASCII: "
                       "percent-encode it, or use call_options::query");
    }
    if (path.find('#') != std::string_view::npos)
    {
        return failure(
            errc::bad_url,
            "the path has a fragment (#), which is never sent: leave it out, or write it "
            "as %23");
    }
    const std::string_view first_segment = path.substr(0, path.find('/'));
    if (first_segment.ends_with(':') && path.substr(first_segment.size()).starts_with("//"))
    {
        return failure(
            errc::bad_url,
            "a whole URL was given where a path such as /v1/models belongs: the host goes "
            "into call_options::base_url");
    }
    path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
    std::string target = url.prefix;
    target += '/';
    target += path;
    char separator = path.find('?') == std::string_view::npos ? '?' : '&';
    for (const auto& [name, value] : query)
    {
        target += separator;
        append_percent_encoded(target, name);
        target += '=';
        append_percent_encoded(target, value);
        separator = '&';
    }
    return target;
}

}  // namespace regolo::core
