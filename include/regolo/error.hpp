#pragma once

#include <regolo/metadata.hpp>

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <boost/system/system_error.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

namespace regolo::inline v0 {

/** What went wrong, as far as a program may want to act on it.

    Failures of the operating system, the resolver and OpenSSL keep their own codes in
    `error_info::code` ("Connection refused" stays that); `error_info::where` says at which step.
    A cancellation asked for by the caller is `boost::asio::error::operation_aborted`.
*/
enum class errc
{
    /// No key is configured and the default URL needs one.
    no_key = 1,  // each group has its own hundred, so that later codes join without renumbering
    /// The base URL or a path cannot be used.
    bad_url,
    /// A setting of `client_config` or `call_options` is out of its range.
    bad_config,
    /// The request cannot be sent as it is: invalid UTF-8, a number that is not finite, a control
    /// character in a header.
    invalid_request,
    /// A key would travel unencrypted to a public host; see `client_config::allow_plaintext`.
    plaintext_refused,
    /// A second operation was started on a stream while one was running.
    operation_in_progress,
    /// The client was closed, or is being drained.
    client_closed,
    /// The execution context of the client has stopped, so that nothing can run on it.
    context_stopped,
    /// The item was taken in but never sent, because its run ended before.
    not_started,
    /// The source of an upload failed, or gave another number of bytes than it had announced.
    upload_failed,
    /// The whole answer was asked for while its stream is still open.
    stream_open,

    /// `time_limits::queue` passed before a place in the pool was free.
    queue_timeout = 100,
    /// `time_limits::connect` passed before the connection stood (look-up, TCP and TLS).
    connect_timeout,
    /// `time_limits::send` passed without progress while sending the request.
    send_timeout,
    /// `time_limits::head` passed after the last request byte without a complete response head.
    head_timeout,
    /// `time_limits::first_event` passed after the response head without an event.
    first_event_timeout,
    /// `time_limits::idle` passed without a byte while one was waited for.
    idle_timeout,
    /// `time_limits::total` passed.
    total_timeout,
    /// The time given to `next_for` passed; the stream is whole.
    wait_timeout,
    /// `call_options::deadline` passed, or the next attempt could not start before it.
    deadline_exceeded,

    /// The host name has no address.
    host_not_found = 200,
    /// The server's certificate was refused; the text has the reason and the chain. Never retried.
    certificate_refused,
    /// The connection ended after the request was sent and before the answer was complete.
    connection_lost,
    /// The response breaks HTTP, JSON or the API's rules, or has a number that is beyond the range of a double (1e309); the
    /// text says which and where.
    bad_response,
    /// The response is encoded in a way that was not asked for, such as gzip.
    unsupported_encoding,
    /// A part of the response is above its limit in `limits`; the text names the limit.
    too_large,
    /// The stream ended before the answer was complete.
    truncated,
    /// The server answers with a redirect, which is not followed.
    redirected,
    /// The proxy does not pass the request on: it wants other credentials (407), or does not allow the host.
    proxy_refused,
    /// No TLS that both sides accept: a version below 1.2, a cipher or key that is too weak, or a client certificate that the
    /// server demands or refuses. Never retried.
    tls_refused,

    /// The API refused the request as malformed or not acceptable (400, 405, 406, 415, 422).
    bad_request = 300,
    /// The key is missing or wrong (401).
    unauthorized,
    /// The key is right but may not do this (403).
    permission_denied,
    /// No such path or model (404, or 400 for a model).
    not_found,
    /// The server gave up waiting (408).
    request_timeout,
    /// The request clashes with the state of the server (409).
    conflict,
    /// The request body is too large for the server (413).
    payload_too_large,
    /// Too many requests or tokens for now (429); waiting helps.
    rate_limited,
    /// The budget or quota is used up; waiting does not help (402, or 429 with such a code).
    quota_exhausted,
    /// The server or the model behind it failed (5xx, those below excepted).
    server_error,
    /// The server or model is overloaded or starting (502, 503, 504, 529).
    unavailable,
    /// Any other error that the API reported.
    api_error,

    // Answers that only look whole; errors only where `fail_on` says so.

    /// The answer says nothing though it ends as a whole one does (`answer_doubts::empty`).
    empty_answer = 400,
    /// The token limit was reached before the answer began (`answer_doubts::out_of_tokens`).
    out_of_tokens,
    /// Another model answered than the one asked for (`answer_doubts::other_model`).
    other_model,
};

/// The category of `errc`; its name is "regolo".
[[nodiscard]] REGOLO_EXPORT const boost::system::error_category& error_category() noexcept;

[[nodiscard]] REGOLO_EXPORT boost::system::error_code make_error_code(errc code) noexcept;

/// The step of an exchange.
enum class phase
{
    prepare,  ///< before anything touched the network
    queue,    ///< waiting for a place in the pool
    resolve,  ///< looking the host name up
    connect,  ///< TCP
    tls,      ///< the TLS handshake
    proxy,    ///< talking to a proxy
    send,     ///< sending the request
    head,     ///< waiting for the response head
    body,     ///< reading the response body
};

/// The name of a cause as it is written here, such as "rate_limited": for logs and metrics.
[[nodiscard]] REGOLO_EXPORT std::string_view to_string(errc code) noexcept;

/// The name of a phase in lower case, such as "connect".
[[nodiscard]] REGOLO_EXPORT std::string_view to_string(phase where) noexcept;

/** Everything known about a failure. Never holds the key.

    `message` is this library's own text, never holds a prompt or an answer, and is safe to log. The `server_`
    members are the server's words: they may repeat what the caller sent, but anything that looks like a key was
    replaced. Status, ids and attempts are those of `metadata`, repeated for convenience.
*/
struct error_info
{
    error_info() = default;

    boost::system::error_code code;
    phase where = phase::prepare;
    bool sent = false;    ///< at least one byte of the request may have reached the server
    int http_status = 0;  ///< 0 when no response head arrived
    std::string message;  ///< what failed and what to do about it
    std::string server_message;
    std::string server_type;
    std::string server_code;  ///< as text, also when the server sent a number
    std::string server_param;
    std::string call_id;     ///< our id of the call, known to the server as `x-litellm-call-id`
    std::string request_id;  ///< the server's id, empty when it sent none
    std::optional<std::chrono::microseconds> retry_after;  ///< how long the server asks to wait
    std::optional<bool> should_retry;                      ///< the server's `x-should-retry`
    int attempts = 0;          ///< begun, also one that had no connection yet
    std::string partial_text;  ///< text that had arrived, for calls without a stream object
    regolo::metadata metadata;
};

/// One line for a person: what failed, the HTTP status, the server's words (control characters
/// escaped, cut at 500 characters), what to do, and the ids. It is the text of `error::what()`.
[[nodiscard]] REGOLO_EXPORT std::string describe(const error_info& info);

/** Whether the same call, made again later, has a chance to succeed.

    True for rate limits, overload, errors that the server reports (also amid a stream, whose chunks may be billed), empty
    answers, and connections and times that ended before the request was sent. False for what a person must change first
    (key, request, quota, certificate, a host name that still has no address after the attempts), for a deadline that has passed, and
    for requests that were sent and may have been worked on: repeating those may be billed twice.
*/
[[nodiscard]] REGOLO_EXPORT bool is_retryable(const error_info& info) noexcept;

/** The one exception of the library. Cheap to copy: the information is shared and immutable.

    `code()` is `info().code`; `what()` is `describe(info())`.
*/
class REGOLO_EXPORT error : public boost::system::system_error
{
public:
    explicit error(error_info info);

    [[nodiscard]] const error_info& info() const noexcept;
    [[nodiscard]] const char* what() const noexcept override;

private:
    struct state;
    std::shared_ptr<const state> state_;
};

/// A value or the reason why there is none; `value()` throws `error`.
template <class T>
using result = boost::system::result<T, error_info>;

/// Lets `result<T>::value()` throw `error`.
[[noreturn]] REGOLO_EXPORT void throw_exception_from_error(const error_info& info,
                                                           const boost::source_location& location);

}  // namespace regolo::inline v0

template <>
struct boost::system::is_error_code_enum<regolo::errc> : std::true_type
{};
