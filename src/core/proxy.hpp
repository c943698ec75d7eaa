#pragma once

#include "core/base_url.hpp"
#include "core/secret.hpp"

#include <regolo/error.hpp>
#include <regolo/options.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace regolo::core {

/// An HTTP proxy.
struct proxy_server
{
    std::string host;  ///< lower case; an IPv6 literal without brackets
    std::uint16_t port = 80;
    secret authorization;  ///< value of `Proxy-Authorization`; empty: none
    /// The password in each form that a text might repeat: as it is, as in the URL, and as it is sent.
    std::vector<secret> passwords;
};

/// For texts: "http://proxy.example:3128", never with the password.
std::string to_string(const proxy_server& proxy);

/** Takes a proxy's URL apart: "http://[user[:password]@]host[:port]", or the same without "http://". User and password are
    percent-decoded. Fails with `errc::bad_config`; the text never repeats the URL, which may hold a password. */
result<proxy_server> parse_proxy(std::string_view url);

/** Which hosts are reached without the proxy, as the environment variable `no_proxy` tells it: entries between commas or
    spaces, `*` for all hosts; a name for that host and all below it, with or without a dot before it; an address; a
    network such as "10.0.0.0/8"; each but the last with a port after it, if only that one is meant. Entries that make
    no sense match nothing, since the variable belongs to all programs. */
bool is_bypassed(std::string_view no_proxy, const origin& where);

/// The proxies of a client.
class proxy_rules
{
public:
    proxy_rules() = default;
    /// Fails with `errc::bad_config`.
    static result<std::shared_ptr<const proxy_rules>> make(const proxy_options& options);

    /// The proxy on the way there; null: none.
    [[nodiscard]] const proxy_server* find(const origin& where) const;

private:
    std::optional<proxy_server> http_;
    std::optional<proxy_server> https_;
    std::string bypass_;
};

}  // namespace regolo::core
