#include "core/base_url.hpp"

#include "core/text.hpp"

#include <boost/url/ipv6_address.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <charconv>

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

result<void> check_characters(std::string_view text)
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
    return {};
}

/// "host:80a", which Boost.URL 1.81 lets pass.
bool has_odd_path(const urls::url_view& url)
{
    return !url.encoded_path().empty() && url.encoded_path().front() != '/';
}

result<void> check_parts(const urls::url_view& url)
{
    const bool is_http =
        url.scheme_id() == urls::scheme::https || url.scheme_id() == urls::scheme::http;
    if (!is_http || !url.has_authority())
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
    if (has_odd_path(url))
    {
        return bad_url("is not a valid URL");
    }
    return {};
}

/// The URL with the first digit of its host percent-encoded, so that it is read as a name: Boost.URL 1.81 takes
/// "10.0.0.1.nip.io" for an address and refuses what follows it.
std::string mask_first_digit(std::string_view text)
{
    constexpr std::string_view opening = "://";
    std::string out(text);
    const std::size_t at = text.find(opening);
    if (at != std::string_view::npos && at + opening.size() < text.size() &&
        is_digit(text[at + opening.size()]))
    {
        out.insert(at + opening.size(), "%3");
    }
    return out;
}

result<std::string> read_host(const urls::url_view& url)
{
    switch (url.host_type())
    {
        case urls::host_type::ipv4:
            return std::string(url.host_address());
        case urls::host_type::ipv6:
            if (url.encoded_host().find('%') != std::string_view::npos)
            {
                return bad_url("is not a valid URL: an IPv6 zone cannot be used in it");
            }
            return std::string(url.host_ipv6_address().to_string());
        case urls::host_type::name:
        {
            std::string host = to_lower(url.host_name());
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
    if (!url.has_port())
    {
        return default_port(tls);
    }
    if (url.port().empty())
    {
        return bad_url("has a colon behind its host and no port");
    }
    // Not port_number(): that of Boost 1.81 wraps around.
    const std::string_view digits = url.port();
    unsigned port = 0;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (ec != std::errc() || end != digits.data() + digits.size() || port == 0 || port > 65535)
    {
        return bad_url("has a port that is not between 1 and 65535");
    }
    return static_cast<std::uint16_t>(port);
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

std::string bracketed(std::string_view host)
{
    std::string text(host);
    if (text.find(':') == std::string::npos)
        return text;
    return '[' + text + ']';
}

}  // namespace

std::string to_string(const origin& where)
{
    return (where.tls ? "https://" : "http://") + host_field(where);
}

std::string authority(std::string_view host, std::uint16_t port)
{
    return bracketed(host) + ':' + std::to_string(port);
}

std::string host_field(const origin& where)
{
    return has_port(where) ? authority(where.host, where.port) : bracketed(where.host);
}

result<base_url> parse_base_url(std::string_view text)
{
    if (auto checked = check_characters(text); !checked)
    {
        return checked.error();
    }
    std::string masked;
    auto parsed = urls::parse_uri(text);
    if (!parsed || has_odd_path(*parsed))
    {
        masked = mask_first_digit(text);
        parsed = urls::parse_uri(masked);
    }
    if (!parsed)
    {
        return bad_url(text.find("://") == std::string_view::npos
                           ? "does not begin with https:// or http://"
                           : "is not a valid URL");
    }
    const urls::url_view& url = *parsed;
    if (auto checked = check_parts(url); !checked)
    {
        return checked.error();
    }
    base_url out;
    out.origin.tls = url.scheme_id() == urls::scheme::https;
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
    out.prefix = read_prefix(std::string_view(url.encoded_path()));
    return out;
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
