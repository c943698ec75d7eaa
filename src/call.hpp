#pragma once

#include "client_state.hpp"
#include "core/http_message.hpp"
#include "core/plan_attempt.hpp"
#include "credential_state.hpp"
#include "net/alarm.hpp"
#include "net/exchange.hpp"

#include <regolo/call_options.hpp>
#include <regolo/observer.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

namespace regolo::inline v0::detail {

/// What an operation asks of a call.
struct call_plan
{
    std::string_view operation;  // as in call_event
    std::string method = "POST";
    std::string path;
    std::string model;  // asked for, for events
    result<std::shared_ptr<const std::string>> body =
        {};  // encoded; null: none; or why it cannot be
    std::string content_type = "application/json";
    bool stream = false;
    bool needs_key = true;
};

/// What an answer told, for the last event.
struct call_outcome
{
    std::string_view finish_reason;
    std::string_view model;
    const regolo::usage* usage = nullptr;
};

/// A request put together from a plan, the configuration and the options of the call. The key is not in it.
struct prepared_request
{
    core::base_url url;
    core::http_request message;
    std::shared_ptr<credential::state> key;  // null: none is sent
};

/// @throws error  with `phase::prepare`
prepared_request prepare(const client_state& client, const call_plan& plan,
                         const call_options& options, const std::string& call_id);

/** One call of an endpoint: its attempts, its limits, its events.

    The work runs on a strand of its own. What its caller does between the steps (`open`, `wait_body`) happens on the
    caller's executor while nothing runs on the strand, so that only the few members named below need care.
*/
class call final : public std::enable_shared_from_this<call>,
                   public running_call,
                   private net::exchange_listener
{
public:
    /// Begins the call: the observer hears of it. What is wrong with the plan or the options is thrown by `open`.
    static std::shared_ptr<call> start(std::shared_ptr<client_state> client, call_plan plan,
                                       call_options options);

    call(std::shared_ptr<client_state> client, call_plan plan, call_options options);
    ~call();

    /// Makes attempts until one has the head of a success and, with `whole`, its body. Throws `error` otherwise.
    boost::asio::awaitable<void> open(bool whole);

    /// Goes on with further attempts after an answer that began as a success and was none, if the policy allows it; throws
    /// `failure` otherwise.
    boost::asio::awaitable<void> reopen(error_info failure);

    /// The body that `open(true)` has read.
    [[nodiscard]] std::string& body() noexcept { return body_; }

    /// After `open(false)` or `reopen`. Stays while the caller reads, whatever ends the call meanwhile.
    [[nodiscard]] core::response_head& head() noexcept { return source_->reader.head(); }

    // ---- the body of a stream, taken by its caller

    enum class feed
    {
        bytes,
        end,
        wait,
        failed
    };
    /// The next piece of the body, if one has arrived: valid until the next `wait_body`.
    feed take(std::string_view& piece);
    /// Why `take` says failed.
    [[nodiscard]] error_info& failure() noexcept { return read_failure_; }
    /// Waits for more of the body; with a limit, throws `errc::wait_timeout` and leaves the read running.
    boost::asio::awaitable<void> wait_body(std::chrono::nanoseconds limit, bool first_event);

    void saw_first_event();

    // ---- the end; only the first counts

    /// The answer is complete: the connection goes back.
    void succeed(const call_outcome& result);
    /// Ends with an error, which is completed with the ids of the call.
    error_info fail(error_info info, const call_outcome& result = {});
    /// Ends from outside: cancelled, dropped, closed. From any thread.
    void abort(net::scope::reason why) noexcept override;
    std::shared_ptr<running_call> hold() noexcept override { return weak_from_this().lock(); }
    /// The caller has lost interest.
    void drop(const call_outcome& result = {}) noexcept;

    [[nodiscard]] regolo::metadata& metadata() noexcept { return metadata_; }
    [[nodiscard]] net::clock::time_point now() const noexcept
    {
        return client_->world->timer->now();
    }
    [[nodiscard]] const regolo::limits& bounds() const noexcept { return client_->config.limits; }

private:
    using work = boost::asio::awaitable<void>;

    static work run(std::shared_ptr<call> self, bool whole, std::optional<error_info> last);
    work run_attempts(bool whole, std::optional<error_info> last);
    work attempt_once(bool whole, bool fresh);
    work renew_key();
    work check_head();
    work perform(work on_strand);
    /// Aborts the call when that slot's signal is emitted.
    void obey(boost::asio::cancellation_slot slot);
    void decide(const std::optional<error_info>& last, std::optional<core::wait>& pause);
    void pause_planned(const core::wait& pause, const error_info& reason);
    void stale_replay(const std::exception_ptr& failure);
    error_info describe_failure(std::exception_ptr failure);
    void complete_info(error_info& info) const;
    void note_head();
    void end(const error_info* failure, const call_outcome& result, bool dropped) noexcept;
    using reader_handler = boost::asio::any_completion_handler<void(boost::system::error_code)>;

    void let_go() noexcept;
    void leave_connection(close_reason why) noexcept;
    void start_wait(std::chrono::nanoseconds limit, bool first_event);
    void start_read(bool first_event);
    struct pending_read;
    void on_read(boost::system::error_code ec);
    void abandon_read() noexcept;
    void resume_reader(boost::system::error_code ec);

    void on_queued() noexcept override;
    void on_connected(const net::connection& used, bool reused,
                      std::chrono::nanoseconds queued) noexcept override;
    void on_sent(const net::connection& used, std::size_t body_bytes) noexcept override;
    [[nodiscard]] regolo::observer* watcher() const noexcept
    {
        return client_->config.observer.get();
    }
    [[nodiscard]] call_event event() const noexcept;
    /// Without the server's words and without text of the answer.
    static error_info for_observers(error_info info);

    const std::shared_ptr<client_state> client_;
    const call_plan plan_;
    call_options options_;
    const std::string call_id_;
    const core::resolved_limits limits_;
    const retry_policy policy_;
    const std::shared_ptr<net::scope> scope_;
    const net::clock::time_point began_;

    std::optional<prepared_request> request_;
    std::shared_ptr<const core::secret> key_;  // of the last attempt, for redaction
    std::shared_ptr<net::exchange> exchange_;  // the last attempt
    net::clock::time_point attempt_began_;
    int attempts_ = 0;
    bool key_renewed_ = false;
    std::uint64_t bytes_sent_ = 0;
    std::uint64_t bytes_received_ = 0;  // by attempts before the last
    bool performing_ = false;           // a coroutine of ours runs on the strand
    std::string body_;
    regolo::metadata metadata_;
    core::origin origin_;

    // Reading for a stream. `reading_` tells who may touch the connection's buffer: the strand while it is `pending`,
    // the caller otherwise.
    enum class reading
    {
        idle,
        pending,
        arrived
    };
    std::atomic<reading> reading_{reading::idle};
    reader_handler reader_;  // who waits; on the strand
    boost::asio::any_io_executor reader_executor_;
    struct reader_alarm;
    std::unique_ptr<reader_alarm> reader_alarm_;
    net::clock::time_point read_began_;
    std::chrono::nanoseconds first_event_wait_{};  // time spent waiting for it
    bool first_event_ = false;                     // has been seen
    bool waits_for_first_ = false;                 // the read under way does
    std::shared_ptr<net::connection> source_;      // keeps what the caller reads from while he does
    std::uint64_t bytes_before_read_ = 0;          // of this attempt, when the read under way began
    std::size_t next_piece_ = 0;
    bool read_failed_ = false;
    error_info read_failure_;

    std::atomic<bool> ended_{false};
    std::optional<std::stop_callback<std::function<void()>>>
        stop_;  // last: its end waits for a running callback
};

}  // namespace regolo::inline v0::detail
