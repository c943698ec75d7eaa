#pragma once

#include <regolo/error.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace regolo::core {

/// Where a connection leads: what the pool tells connections apart by. The proxy on the way there is the same for all of
/// an origin.
struct origin
{
    bool tls = true;
    std::string host;  ///< lower case; an IPv6 literal without brackets
    std::uint16_t port = 443;

    friend bool operator==(const origin&, const origin&) = default;
    friend auto operator<=>(const origin&, const origin&) =
        default;  // NOLINT(modernize-use-nullptr): a zero of its own making
};

/// As in a URL: "https://api.regolo.ai", with the port where it is not the scheme's own.
std::string to_string(const origin& where);

/// "host:port", with brackets around IPv6.
std::string authority(std::string_view host, std::uint16_t port);

/// The value of the `Host` field: host, brackets around IPv6, port where it is not the scheme's own.
std::string host_field(const origin& where);

/// A configured URL, taken apart.
struct base_url
{
    core::origin origin;
    std::string
        prefix;  ///< path before "/v1/...", such as "" or "/custom-model"; no slash at its end
};

/** Takes a base URL apart. Scheme and host compare without regard to case; user info, query and fragment are
    refused, and so are hosts that only look like a name (numbers such as "0x7f.1"); "/v1" and slashes at the end are
    dropped. Fails with `errc::bad_url`; the text says what is wrong and how it should look, and never repeats the URL. */
result<base_url> parse_base_url(std::string_view text);

/// Letters, digits, "-", "_" and single dots, and not something that is read as an IPv4 address ("127.1", "0x7f000001").
bool is_host_name(std::string_view host) noexcept;

/// "localhost" and names below it, which are this machine whatever a name server says (RFC 6761, section 6.3).
bool is_loopback_name(std::string_view host) noexcept;

/** Whether plain http to that host is the caller's own network by name alone: loopback and private
    literals, single labels, ".local", ".internal", ".svc" and below it (`*.svc.*`), ".localhost". */
bool is_local_host(std::string_view host) noexcept;

/// `errc::plaintext_refused` when a key would go unencrypted to a host that is not local.
result<void> check_plaintext(const core::origin& where, bool has_key, bool allowed);

/** The request target for an API path: prefix, path and query. The path may have its leading slash or not, and may
    end in a query of its own, which is sent as it is. "/v1" is never added, since the API has paths without it (such
    as "/key/info"), and never doubled, since `prefix` never ends in it. Names and values of `query` are percent-encoded.
    Fails with `errc::bad_url` for a whole URL, spaces, control characters, bytes outside ASCII or a fragment. */
result<std::string> make_target(const base_url& url, std::string_view path,
                                const std::vector<std::pair<std::string, std::string>>& query);

}  // namespace regolo::core
