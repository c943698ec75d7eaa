// Proxies: their URLs, and which hosts are reached without them, against a slow reading of the rules.

#include "core/proxy.hpp"

#include "fuzz.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <optional>

namespace regolo::fuzz {
namespace {

using core::origin;

std::string lower(std::string_view text)
{
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z')
            c = static_cast<char>(c - 'A' + 'a');
    return out;
}

/// The bits of an address, one character each; nothing for a name.
std::optional<std::string> bits_of(std::string host)
{
    if (host.size() > 1 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    if (host.find('\0') != std::string::npos)
        return std::nullopt;
    std::array<unsigned char, 16> bytes{};
    std::size_t count = 0;
    if (inet_pton(AF_INET, host.c_str(), bytes.data()) == 1)
        count = 4;
    else if (inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1)
        count = 16;
    else
        return std::nullopt;
    std::string bits;
    for (std::size_t i = 0; i < count * 8; ++i)
        bits += (bytes.at(i / 8) >> (7 - i % 8) & 1) != 0 ? '1' : '0';
    return bits;
}

std::optional<unsigned long> number_of(const std::string& text, unsigned long most)
{
    if (text.empty())
        return std::nullopt;
    unsigned long number = 0;
    for (const char c : text)
    {
        if (c < '0' || c > '9')
            return std::nullopt;
        number = std::min(number * 10 + static_cast<unsigned long>(c - '0'), 1000000UL);
    }
    return number > most ? std::nullopt : std::optional(number);
}

/// "a name for that host and all below it, with or without a dot before it"
bool names_match(std::string name, std::string host)
{
    if (name.substr(0, 2) == "*.")
        name = name.substr(1);
    if (name.substr(0, 1) == ".")
        name = name.substr(1);
    if (!name.empty() && name.back() == '.')
        name.pop_back();
    if (!host.empty() && host.back() == '.')
        host.pop_back();
    return !name.empty() &&
           (host == name || (host.size() > name.size() && host.ends_with('.' + name)));
}

bool entry_matches(std::string entry, const origin& where)
{
    if (entry == "*")
        return true;
    const auto address = bits_of(where.host);
    if (const auto slash = entry.find('/'); slash != std::string::npos)
    {
        const auto network = bits_of(entry.substr(0, slash));
        const auto size = number_of(entry.substr(slash + 1), 128);
        return address && network && size && address->size() == network->size() &&
               *size <= network->size() && address->substr(0, *size) == network->substr(0, *size);
    }
    const auto colons = std::count(entry.begin(), entry.end(), ':');
    const bool bracketed = entry.starts_with('[');
    if (!entry.ends_with(']') && (colons == 1 || (bracketed && colons > 1)))
    {
        const auto colon = entry.rfind(':');
        const auto port = entry.substr(colon + 1);
        entry = entry.substr(0, colon);
        if (!port.empty() && number_of(port, 65535) != where.port)
            return false;
    }
    if (const auto wanted = bits_of(entry); wanted || address)
        return wanted == address;
    return names_match(entry, where.host);
}

bool is_bypassed_literally(std::string_view list, const origin& where)
{
    std::string entry;
    bool any = false;
    for (const char c : std::string(list) + ',')
    {
        if (c != ',' && c != ' ' && c != '\t')
        {
            entry += c;
            continue;
        }
        any = any || (!entry.empty() && entry_matches(lower(entry), where));
        entry = "";
    }
    return any;
}

std::string decode_base64(std::string_view text)
{
    static constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string bits;
    for (const char c : text.substr(0, text.find('=')))
    {
        const auto value = digits.find(c);
        check(value != digits.npos, "no base64");
        for (int i = 5; i >= 0; --i)
            bits += (value >> i & 1U) != 0 ? '1' : '0';
    }
    std::string out;
    for (std::size_t at = 0; at + 8 <= bits.size(); at += 8)
        out += static_cast<char>(std::stoi(bits.substr(at, 8), nullptr, 2));
    return out;
}

std::string percent_decoded(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i)
    {
        if (text[i] == '%')
        {
            check(i + 2 < text.size(), "an escape breaks off");
            out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
            i += 2;
        }
        else
        {
            out += text[i];
        }
    }
    return out;
}

void check_proxy(std::string_view url)
{
    const auto proxy = core::parse_proxy(url);
    if (!proxy)
    {
        check(proxy.error().code == errc::bad_config, "a failure without its code");
        check(proxy.error().message.find(secret) == std::string::npos,
              "the URL is shown, which may hold a password");
        return;
    }
    check(proxy->port != 0 && !proxy->host.empty(), "a proxy that is nowhere");
    check(bits_of(proxy->host) || core::is_host_name(proxy->host), "a host that is none");
    for (const char c : proxy->host)
        check(c > 0x20 && c < 0x7F && !(c >= 'A' && c <= 'Z'), "a host with odd characters");

    // what stands before the last "@" of the authority
    auto rest = url.substr(std::min(url.find_first_not_of(" \t\r\n\f\v"), url.size()));
    if (const auto opening = rest.find("://"); opening != rest.npos)
        rest.remove_prefix(opening + 3);
    const auto at = rest.rfind('@');
    const auto shown = to_string(*proxy);
    if (at == rest.npos)
    {
        check(proxy->authorization.empty(), "credentials out of nothing");
    }
    else
    {
        const auto user = rest.substr(0, at);
        const auto field = proxy->authorization.view();
        check(field.starts_with("Basic "), "credentials are lost");
        const auto plain = decode_base64(field.substr(6));
        const auto name = user.substr(0, user.find(':'));
        const auto password =
            name.size() == user.size() ? std::string_view() : user.substr(name.size() + 1);
        check_equal(plain, percent_decoded(name) + ':' + percent_decoded(password),
                    "other credentials");
        for (const char c : plain)
            check(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F, "a control character");
        check(shown.find('@') == std::string::npos, "credentials are shown");
    }
    const auto again = core::parse_proxy(shown);
    check(again && again->host == proxy->host && again->port == proxy->port,
          "written again, the proxy is another one");
}

/// A proxy's URL, a host and the list of `no_proxy`, each up to a line feed.
void run(std::string_view bytes)
{
    input in(bytes);
    origin where;
    where.port = in.flag() ? 443 : in.word();
    where.tls = in.flag();
    const auto url = with_secret(in.until('\n'));
    where.host = lower(in.until('\n'));
    const auto list = in.rest();
    check_proxy(url);
    if (where.host.find('\0') != std::string::npos || list.find('\0') != list.npos)
        return;  // a variable of the environment has none
    const bool bypassed = is_bypassed_literally(list, where);
    check(core::is_bypassed(list, where) == bypassed,
          bypassed ? "the proxy should be left out" : "the proxy should be used");
    proxy_options options("http://proxy.example:3128");
    options.bypass = list;
    const auto rules = core::proxy_rules::make(options);
    check(rules && ((*rules)->find(where) == nullptr) == bypassed, "the rules say something else");
}

const target registered("proxy", run);

}  // namespace
}  // namespace regolo::fuzz
