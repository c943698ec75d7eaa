#pragma once

#include <regolo/close_reason.hpp>
#include <regolo/error.hpp>
#include <regolo/metadata.hpp>
#include <regolo/usage.hpp>

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string_view>

namespace regolo::inline v0 {

/// What every event of a call carries. The views live for the duration of the event.
struct call_event
{
    std::string_view call_id;         ///< the same for all events of a call
    std::string_view operation;       ///< "chat", "text_completion", "models" or "request"
    std::string_view path;            ///< such as "/v1/chat/completions"
    std::string_view server_address;  ///< host name or address
    std::uint16_t server_port = 0;
    std::string_view model;  ///< the model asked for
    bool stream = false;
    int attempt = 0;  ///< 1 for the first; 0 before it
    const std::shared_ptr<void>* context =
        nullptr;  ///< `call_options::context`; may be null inside
};

/// A connection was taken from the pool or made.
struct connection_event
{
    std::uint64_t id = 0;  ///< of the connection, from 1 upwards within a client
    bool reused = false;
    std::chrono::nanoseconds queued{};                ///< waited for a place
    std::optional<std::chrono::nanoseconds> resolve;  ///< of a new connection
    std::optional<std::chrono::nanoseconds> connect;
    std::optional<std::chrono::nanoseconds> tls;
    bool tls_resumed = false;
};

/// A request has been sent.
struct request_event
{
    std::uint64_t body_bytes = 0;
    std::uint64_t connection_id = 0;  ///< as in `connection_event`
};

/// The first event of a stream has arrived.
struct first_event_info
{
    std::chrono::nanoseconds since_start{};  ///< of the call
    std::chrono::nanoseconds since_head{};   ///< of this attempt's response head
};

/// A failed attempt is made again. The error is without the server's words and partial text.
struct retry_event
{
    const error_info& reason;
    std::chrono::milliseconds delay{};  ///< before the next attempt
    bool stale_connection = false;      ///< a replay that does not count as an attempt
};

/// A call is over.
struct end_event
{
    boost::system::error_code code;  ///< no error: success
    phase where = phase::body;       ///< of the failure
    const error_info* error =
        nullptr;  ///< null on success; without the server's words and partial text
    int status = 0;
    std::string_view finish_reason;
    std::string_view model_served;
    const regolo::usage* usage = nullptr;  ///< null: unknown
    std::uint64_t bytes_sent = 0;          ///< of request bodies, over all attempts
    std::uint64_t bytes_received = 0;      ///< over all attempts, with heads and HTTP framing
    int attempts = 0;
    bool dropped = false;  ///< the stream was destroyed before its end
    std::chrono::nanoseconds duration{};
};

/// A connection was closed.
struct close_event
{
    std::uint64_t connection_id = 0;
    std::string_view origin;  ///< such as "https://api.regolo.ai"
    close_reason reason = close_reason::finished;
    std::uint64_t exchanges = 0;  ///< requests it carried
    std::chrono::nanoseconds age{};
};

/** Sees what happens to calls and connections, for logs, metrics and traces.

    Override what is needed; set it as `client_config::observer`. The functions are called inline, on the
    executor of the client or of the caller, possibly from several threads at once for different calls;
    those of one call come in order, one at a time. They must return soon and must not call the
    client. None is ever given the key, a prompt or an answer.

    The order for one call is: `call_started`, then per attempt `queued` (only when it has to wait),
    `connection_acquired`, `request_sent`, `head_received`, `first_event` (streams), and where it failed
    and goes on `retry_planned`; at last `call_ended`, exactly once.
*/
class REGOLO_EXPORT observer
{
public:
    virtual ~observer();

    virtual void call_started(const call_event& call) noexcept;
    virtual void queued(const call_event& call) noexcept;
    virtual void connection_acquired(const call_event& call,
                                     const connection_event& connection) noexcept;
    virtual void request_sent(const call_event& call, const request_event& request) noexcept;
    virtual void head_received(const call_event& call, const metadata& answer) noexcept;
    virtual void first_event(const call_event& call, const first_event_info& event) noexcept;
    virtual void retry_planned(const call_event& call, const retry_event& retry) noexcept;
    virtual void call_ended(const call_event& call, const end_event& end) noexcept;
    /// A connection, which belongs to no call while it is idle.
    virtual void connection_closed(const close_event& connection) noexcept;
};

/** An observer that writes one line per event.

    @param out  must outlive every client that uses the observer; lines of several threads do not mix
*/
[[nodiscard]] REGOLO_EXPORT std::shared_ptr<observer> log_observer(std::ostream& out);

}  // namespace regolo::inline v0
