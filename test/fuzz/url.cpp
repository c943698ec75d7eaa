// URLs of a configuration: what is let through is plain, and says the same when it is written again.

#include "core/base_url.hpp"
#include "fuzz.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <optional>

namespace regolo::fuzz {
namespace {

using core::base_url;
using core::origin;

bool is_visible(std::string_view text)
{
    return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

std::string lower(std::string_view text)
{
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z')
            c = static_cast<char>(c - 'A' + 'a');
    return out;
}

std::optional<std::array<unsigned char, 4>> ipv4_of(const std::string& host)
{
    std::array<unsigned char, 4> bytes{};
    if (inet_pton(AF_INET, host.c_str(), bytes.data()) != 1)
        return std::nullopt;
    return bytes;
}

std::optional<std::array<unsigned char, 16>> ipv6_of(const std::string& host)
{
    std::array<unsigned char, 16> bytes{};
    if (inet_pton(AF_INET6, host.c_str(), bytes.data()) != 1)
        return std::nullopt;
    return bytes;
}

/// Letters, digits, "-" and "_" between single dots, the last part with a letter that is none of a hexadecimal number.
bool is_name(const std::string& host)
{
    if (host.empty() || host[0] == '.')
        return false;
    for (std::size_t i = 0; i < host.size(); ++i)
    {
        const char c = host[i];
        const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (!plain && (c != '.' || (i > 0 && host[i - 1] == '.')))
            return false;
    }
    return true;
}

void check_host(const std::string& host)
{
    check(ipv6_of(host) || ipv4_of(host) || is_name(host), "a host that is none");
    if (!ipv4_of(host) && !ipv6_of(host))
    {
        // what the system would read as an address, such as "0x7f.1", is no name
        in_addr any{};
        check(inet_aton(host.c_str(), &any) == 0, "an address in disguise");
        check(core::is_host_name(host), "is_host_name says something else");
    }
}

/// Whether a key may go there unencrypted, by the address alone.
std::optional<bool> is_local_address(const std::string& host)
{
    if (const auto v4 = ipv4_of(host))
    {
        const auto& b = *v4;
        return b[0] == 127 || b[0] == 10 || (b[0] == 172 && b[1] >= 16 && b[1] <= 31) ||
               (b[0] == 192 && b[1] == 168) || (b[0] == 169 && b[1] == 254);
    }
    return std::nullopt;
}

void check_plaintext(const origin& where)
{
    const bool refused = !core::check_plaintext(where, true, false);
    check(!where.tls || !refused, "TLS is refused");
    check(core::check_plaintext(where, false, false).has_value(), "refused without a key");
    check(core::check_plaintext(where, true, true).has_value(), "refused though it is allowed");
    if (where.tls)
        return;
    check(refused != core::is_local_host(where.host), "a key goes out in plain text");
    if (const auto local = is_local_address(where.host))
        check(*local != refused, "the range of a private address is wrong");
    else if (!ipv6_of(where.host))
    {
        const auto ends = [&](std::string_view with) { return where.host.ends_with(with); };
        const bool dotted =
            where.host.substr(0, where.host.size() - 1).find('.') != std::string::npos;
        const bool service = where.host.find(".svc") != std::string::npos;
        if (dotted && !service && (ends(".com") || ends(".ai") || ends(".it")))
            check(refused, "a key goes out in plain text to a public name");
    }
}

/// What can be said about a URL by cutting its text at its marks.
void compare_literally(std::string_view text, const base_url& url)
{
    const auto opening = text.find("://");
    check(opening != text.npos, "a URL without a scheme");
    const auto scheme = lower(text.substr(0, opening));
    check(scheme == "http" || scheme == "https", "another scheme");
    check(url.origin.tls == (scheme == "https"), "http and https are confused");
    check(text.find_first_of("@?#") == text.npos ||
              text.substr(0, text.find('/', opening + 3)).find('@') == text.npos,
          "user and password are let through");
    check(text.find('?') == text.npos && text.find('#') == text.npos, "a query is let through");
    const auto rest = text.substr(opening + 3);
    const auto authority = rest.substr(0, rest.find('/'));
    auto path = rest.substr(authority.size());
    while (path.ends_with('/') || path.ends_with("/v1"))
        path.remove_suffix(path.ends_with('/') ? 1 : 3);
    check_equal(url.prefix, path, "the path is another one");

    if (authority.find('%') != authority.npos)
        return;
    const auto bracket = authority.rfind(']');
    const auto colon = authority.find(':', bracket == authority.npos ? 0 : bracket);
    const auto host = lower(authority.substr(0, colon));
    if (bracket == authority.npos)
        check_equal(url.origin.host, host, "the host is another one");
    else
        check(ipv6_of(host.substr(1, host.size() - 2)) == ipv6_of(url.origin.host),
              "the address is another one");
    const auto digits = colon == authority.npos ? std::string_view() : authority.substr(colon + 1);
    unsigned long port = 0;
    for (const char c : digits)
    {
        check(c >= '0' && c <= '9', "a port that is no number");
        port = std::min(port * 10 + static_cast<unsigned long>(c - '0'), 100000UL);
    }
    const unsigned long usual = url.origin.tls ? 443 : 80;
    check(url.origin.port == (digits.empty() ? usual : port), "the port is another one");
}

void check_url(const base_url& url)
{
    check_host(url.origin.host);
    check(url.origin.host == lower(url.origin.host), "a host in capitals");
    check(url.origin.port != 0, "no port");
    check(is_visible(url.prefix), "a path with odd characters");
    check(url.prefix.empty() || url.prefix.front() == '/', "a path without its slash");
    check(!url.prefix.ends_with('/') && !url.prefix.ends_with("/v1"), "/v1 would be doubled");

    const auto written = to_string(url.origin) + url.prefix;
    const auto again = core::parse_base_url(written);
    check(again && again->origin == url.origin && again->prefix == url.prefix,
          "written again, the URL is another one");
    const auto authority = core::authority(url.origin.host, url.origin.port);
    check(authority.ends_with(':' + std::to_string(url.origin.port)), "no port in the authority");
    check(written.find(core::host_field(url.origin)) != std::string::npos, "another Host field");
    check_plaintext(url.origin);
}

std::string decoded(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i)
    {
        if (text[i] != '%')
        {
            out += text[i];
            continue;
        }
        check(i + 2 < text.size(), "an escape breaks off");
        out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
        i += 2;
    }
    return out;
}

using parameters = std::vector<std::pair<std::string, std::string>>;

void check_target(const base_url& url, std::string_view path, const parameters& query)
{
    const auto target = core::make_target(url, path, query);
    const bool odd = !is_visible(path) || path.find('#') != path.npos;
    if (!target)
    {
        check(target.error().code == errc::bad_url, "a failure without its code");
        check(target.error().message.find(secret) == std::string::npos, "the path is shown");
        check(odd || path.find("://") != path.npos, "a path is refused");
        return;
    }
    check(!odd, "a path with odd characters is let through");
    check(is_visible(*target) && target->find('#') == std::string::npos, "a target in pieces");
    check(target->starts_with(url.prefix + '/'), "the prefix is lost");
    check(!target->substr(url.prefix.size()).starts_with("//"), "the path becomes a host");

    std::string_view rest = *target;
    while (path.starts_with('/'))
        path.remove_prefix(1);
    rest.remove_prefix(url.prefix.size() + 1);
    check(rest.substr(0, path.size()) == path, "the path is another one");
    rest.remove_prefix(path.size());
    char mark = path.find('?') == path.npos ? '?' : '&';
    for (const auto& [name, value] : query)
    {
        check(!rest.empty() && rest.front() == mark, "a parameter is missing");
        rest.remove_prefix(1);
        const auto one = rest.substr(0, rest.find('&'));
        rest.remove_prefix(one.size());
        const auto equals = one.find('=');
        check(equals != one.npos, "a parameter without its value");
        check_equal(decoded(one.substr(0, equals)), name, "the name of a parameter");
        check_equal(decoded(one.substr(equals + 1)), value, "the value of a parameter");
        mark = '&';
    }
    check(rest.empty(), "there is something behind the query");
}

/// The URL, the path, and names and values of the query, each up to a line feed.
void run(std::string_view bytes)
{
    input in(bytes);
    const auto text = with_secret(in.until('\n'));
    const auto path = with_secret(in.until('\n'));
    parameters query;
    while (!in.empty())
    {
        const auto name = in.until('\n');
        query.emplace_back(name, in.until('\n'));
    }
    const auto url = core::parse_base_url(text);
    if (!url)
    {
        check(url.error().code == errc::bad_url, "a failure without its code");
        check(url.error().message.size() > 20, "a failure without a message");
        check(url.error().message.find(secret) == std::string::npos,
              "the URL is shown, which may hold a password");
        check_target(base_url{}, path, query);
        return;
    }
    check(is_visible(text), "a URL with odd characters");
    compare_literally(text, *url);
    check_url(*url);
    check_target(*url, path, query);
}

const target registered("url", run);

}  // namespace
}  // namespace regolo::fuzz
