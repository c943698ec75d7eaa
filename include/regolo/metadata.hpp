#pragma once

#include <regolo/headers.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace regolo::inline v0 {

/// One rate limit as the server reported it. Absent figures were not sent.
struct rate_limit
{
    rate_limit() = default;

    std::string name;                       ///< such as "requests", "tokens" or "api_key-requests"
    std::optional<std::int64_t> limit;      ///< allowed per window
    std::optional<std::int64_t> remaining;  ///< left in this window
    std::optional<std::string> reset;       ///< as sent: "1s", "6m0s" or a date
};

/** Rate limits, in every spelling that gateways use.

    `requests` and `tokens` are the account-wide figures (`x-ratelimit-remaining-requests`, ...).
    `all` holds each limit found, these two included, with the middle of a longer header name
    (`x-ratelimit-api_key-remaining-tokens` becomes "api_key-tokens") or the prefix of an upstream's
    (`llm_provider-x-ratelimit-...` becomes "llm_provider-...").
*/
struct rate_limits
{
    rate_limits() = default;

    std::optional<rate_limit> requests;
    std::optional<rate_limit> tokens;
    std::vector<rate_limit> all;
    std::string type;      ///< `rate_limit_type`: which limit a 429 was about
    std::string reset_at;  ///< `reset_at`: when it ends, as sent
};

/// How long each part of a call took. Absent: the part did not happen (a reused connection resolves
/// nothing). The parts belong to the last attempt, `total` to the whole call.
struct timings
{
    using duration = std::chrono::nanoseconds;

    std::optional<duration> queue;        ///< waiting for a place in the pool
    std::optional<duration> resolve;      ///< name look-up
    std::optional<duration> connect;      ///< TCP, all addresses tried, and a proxy's tunnel
    std::optional<duration> tls;          ///< TLS handshake
    std::optional<duration> send;         ///< first to last byte of the request
    std::optional<duration> head;         ///< last request byte to the complete response head
    std::optional<duration> first_event;  ///< response head to the first event, as it is taken
    std::optional<duration> total;        ///< start of the call to its end
};

/** What is known about an exchange besides its content.

    Comes with every answer, stream and error. Absent is absent; the string "None", which some
    gateways send for it, counts as absent.
*/
struct metadata
{
    metadata() = default;

    int status = 0;               ///< HTTP status; 0 when no response head arrived
    std::vector<header> headers;  ///< of the response, in order
    std::string call_id;          ///< our UUID of this call, the same over its attempts
    std::string
        request_id;    ///< the server's: `x-request-id`, `x-litellm-call-id` or `x-regolo-call-id`
    int attempts = 0;  ///< begun, the successful one included
    bool reused_connection = false;  ///< the last attempt ran on a kept-alive connection
    std::string model_asked;         ///< the model asked for; empty where the call names none
    std::string model;  ///< the model that answered, which may not be the one asked for
    regolo::rate_limits rate_limits;
    std::optional<double> cost;            ///< `x-litellm-response-cost`
    std::optional<int> gateway_retries;    ///< `x-litellm-attempted-retries`
    std::optional<int> gateway_fallbacks;  ///< `x-litellm-attempted-fallbacks`
    regolo::timings timings;
    std::string body;  ///< of a whole answer, with `call_options::keep_body`

    /// The first response header of that name, in any case.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept
    {
        return find_header(headers, name);
    }
};

}  // namespace regolo::inline v0
