#pragma once

#include <regolo/answer_doubts.hpp>
#include <regolo/credential.hpp>
#include <regolo/headers.hpp>
#include <regolo/options.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace regolo::inline v0 {

/** What one call does differently from its client. Everything unset takes the client's value.

    @par Example
    @code
    regolo::call_options options;
    options.time.total = std::chrono::seconds(30);
    options.stop = stop_button.get_token();
    auto answer = co_await client.chat(request, options);
    @endcode
*/
class REGOLO_EXPORT call_options
{
public:
    call_options() = default;

    time_limits time;
    /// No attempt runs past it, and none starts that cannot fit. Fails with `errc::deadline_exceeded`.
    std::optional<std::chrono::steady_clock::time_point> deadline;
    /// Replaces the client's policy as a whole.
    std::optional<retry_policy> retry;
    /// Replaces `retry_policy::max_retries` alone.
    std::optional<int> max_retries;
    /// Used instead of the client's key. One that was set and is blank is refused with `errc::no_key`, so that nobody's call goes out
    /// with the client's key for want of one's own. To send none, name "Authorization" in `remove_headers`.
    credential key;
    /// Used instead of the client's URL when not empty. The client's key goes there only if the origin
    /// (scheme, host and port) is the client's own; otherwise give `key` as well.
    std::string base_url;
    /// Added; a field of the same name that the client would send is replaced.
    std::vector<header> headers;
    /// Not sent, by name in any case. `Host`, `Content-Length` and the like cannot be removed.
    std::vector<std::string> remove_headers;
    /// Appended to the URL, percent-encoded.
    std::vector<std::pair<std::string, std::string>> query;
    /// Replaces `client_config::fail_on`.
    std::optional<answer_doubts> fail_on;
    /** `chat()` and `complete()`, alone or in a `fan_out`, let the server stream and put the same answer together, so that
        ending the call ends the generation and its cost, `time_limits::first_event` and `idle` notice a model that has
        stopped, and an error has what had arrived as `error_info::partial_text`. As with a stream, nothing is tried again
        after the first chunk. Other calls take no notice.

        The answer is that of the call without streaming, as far as the server sends the same: the usage is asked for
        unless the request's `include_usage` is false, some gateways send fewer headers with a stream, and there is no one
        body for `keep_body` to keep. */
    bool as_stream = false;
    /// `request_stop()` from any thread cancels the call or its stream, as if by Asio's cancellation.
    std::stop_token stop;
    /// Travels with each observer event of the call, such as a parent span.
    std::shared_ptr<void> context;
    /// Keep the bytes of a whole answer in `metadata::body`, as they came.
    bool keep_body = false;
    /// Identifies the call to the server and in errors and events. Empty: a new UUID.
    std::string call_id;
};

}  // namespace regolo::inline v0
