#include "core/proxy.hpp"

#include "core/base64.hpp"
#include "core/json_writer.hpp"
#include "core/text.hpp"

#include <boost/url/ipv4_address.hpp>
#include <boost/url/ipv6_address.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace regolo::core {

namespace urls = boost::urls;

namespace {

error_info bad_proxy(std::string_view problem)
{
    return failure(
        errc::bad_config,
        "the URL of the proxy " + std::string(problem) +
            ": write http://host:port, or http://user:password@host:port (see "
            "client_config::proxy, or the variables https_proxy, http_proxy and all_proxy)");
}

/// An address in network order: 4 or 16 bytes; empty: it is a name.
std::vector<unsigned char> bytes_of_address(std::string_view host)
{
    if (host.starts_with('[') && host.ends_with(']'))
        host = host.substr(1, host.size() - 2);
    if (const auto v4 = urls::parse_ipv4_address(host))
    {
        const auto bytes = v4->to_bytes();
        return {bytes.begin(), bytes.end()};
    }
    if (const auto v6 = urls::parse_ipv6_address(host))
    {
        const auto bytes = v6->to_bytes();
        return {bytes.begin(), bytes.end()};
    }
    return {};
}

std::optional<unsigned> read_number(std::string_view text, unsigned most)
{
    unsigned number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size() || number > most)
        return std::nullopt;
    return number;
}

bool is_in_network(const std::vector<unsigned char>& address,
                   const std::vector<unsigned char>& network, unsigned bits)
{
    if (address.size() != network.size() || bits > 8 * network.size())
        return false;
    for (std::size_t i = 0; i < network.size() && bits > 0; ++i)
    {
        const unsigned here = std::min(bits, 8U);
        const unsigned mask = 0xFFU << (8 - here) & 0xFFU;
        if ((address[i] & mask) != (network[i] & mask))
            return false;
        bits -= here;
    }
    return true;
}

bool matches_name(std::string_view host, std::string_view name)
{
    if (name.starts_with("*."))
        name.remove_prefix(1);
    if (name.starts_with('.'))
        name.remove_prefix(1);
    if (name.ends_with('.'))
        name.remove_suffix(1);
    if (host.ends_with('.'))
        host.remove_suffix(1);
    if (name.empty() || !host.ends_with(name))
        return false;
    return host.size() == name.size() || host[host.size() - name.size() - 1] == '.';
}

/// Takes ":port" off the end, unless the colon is one of an IPv6 address.
std::string_view take_port(std::string_view& entry)
{
    const auto colon = entry.rfind(':');
    const bool is_bare_ipv6 = colon != entry.find(':') && !entry.starts_with('[');
    if (colon == entry.npos || is_bare_ipv6 || entry.ends_with(']'))
        return {};
    const auto port = entry.substr(colon + 1);
    entry = entry.substr(0, colon);
    return port;
}

bool matches(std::string_view entry, const origin& where)
{
    if (entry == "*")
        return true;
    const auto address = bytes_of_address(where.host);
    if (const auto slash = entry.find('/'); slash != entry.npos)
    {
        const auto bits = read_number(entry.substr(slash + 1), 128);
        const auto network = bytes_of_address(entry.substr(0, slash));
        return bits && !address.empty() && is_in_network(address, network, *bits);
    }
    if (const auto port = take_port(entry); !port.empty())
    {
        if (read_number(port, 65535) != std::optional<unsigned>(where.port))
            return false;
    }
    if (const auto wanted = bytes_of_address(entry); !wanted.empty() || !address.empty())
        return wanted == address;
    return matches_name(where.host, entry);
}

/// User name and password, into `proxy`.
result<void> read_credentials(const urls::url_view& url, proxy_server& proxy)
{
    if (!url.has_userinfo())
        return {};
    auto password = url.password();
    auto plain = url.user() + ':' + password;
    const bool is_odd = std::any_of(plain.begin(), plain.end(), is_control);
    auto encoded = encode_base64(plain);
    constexpr std::string_view scheme = "Basic ";
    proxy.authorization = secret::with_capacity(scheme.size() + encoded.size());
    proxy.authorization.append(scheme);
    proxy.authorization.append(encoded);
    for (const std::string_view form :
         {std::string_view(password), std::string_view(url.encoded_password()),
          std::string_view(encoded)})
        proxy.passwords.emplace_back(form);
    for (auto* text : {&password, &plain, &encoded})
        wipe(text->data(), text->size());
    if (is_odd)
        return bad_proxy("has a control character in its user name or password");
    return {};
}

}  // namespace

std::string to_string(const proxy_server& proxy)
{
    return "http://" + authority(proxy.host, proxy.port);
}

result<proxy_server> parse_proxy(std::string_view url)
{
    std::string whole(trim(url));
    if (whole.find("://") == std::string::npos)
        whole.insert(0, "http://");
    const auto parsed = urls::parse_uri(whole);
    if (!parsed)
        return bad_proxy(
            "is not a valid URL (special characters in a password are percent-encoded)");
    if (parsed->scheme_id() != urls::scheme::http)
        return bad_proxy("has a scheme other than http, the only one that is supported");
    if (parsed->encoded_host().empty())
        return bad_proxy("has no host");
    if (!(parsed->encoded_path().empty() || parsed->encoded_path() == "/") || parsed->has_query() ||
        parsed->has_fragment())
        return bad_proxy("has a path, a query or a fragment");
    proxy_server proxy;
    proxy.host = to_lower(parsed->host_address());
    if (bytes_of_address(proxy.host).empty() && !is_host_name(proxy.host))
        return bad_proxy("has a host that is no name and no address");
    if (parsed->has_port())
    {
        const auto port = read_number(std::string_view(parsed->port()), 65535);
        if (!port || *port == 0)
            return bad_proxy("has no valid port");
        proxy.port = static_cast<std::uint16_t>(*port);
    }
    if (auto read = read_credentials(*parsed, proxy); !read)
        return read.error();
    return proxy;
}

bool is_bypassed(std::string_view no_proxy, const origin& where)
{
    constexpr std::string_view between = ", \t";
    while (!no_proxy.empty())
    {
        const auto end = std::min(no_proxy.find_first_of(between), no_proxy.size());
        if (end > 0 && matches(to_lower(no_proxy.substr(0, end)), where))
            return true;
        no_proxy.remove_prefix(std::min(end + 1, no_proxy.size()));
    }
    return false;
}

result<std::shared_ptr<const proxy_rules>> proxy_rules::make(const proxy_options& options)
{
    auto rules = std::make_shared<proxy_rules>();
    const auto read = [](std::string_view url, std::optional<proxy_server>& into) -> result<void> {
        if (trim(url).empty())
            return {};
        auto proxy = parse_proxy(url);
        if (!proxy)
            return proxy.error();
        into = std::move(*proxy);
        return {};
    };
    if (auto http = read(options.http, rules->http_); !http)
        return http.error();
    if (auto https = read(options.https, rules->https_); !https)
        return https.error();
    rules->bypass_ = options.bypass;
    return std::shared_ptr<const proxy_rules>(std::move(rules));
}

const proxy_server* proxy_rules::find(const origin& where) const
{
    const auto& proxy = where.tls ? https_ : http_;
    return proxy && !is_bypassed(bypass_, where) ? &*proxy : nullptr;
}

}  // namespace regolo::core
