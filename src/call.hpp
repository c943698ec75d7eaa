#pragma once

#include "body_feed.hpp"
#include "call_reporter.hpp"
#include "client_state.hpp"
#include "core/kept_failure.hpp"
#include "core/plan_attempt.hpp"
#include "prepare.hpp"

#include <regolo/call_options.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

namespace regolo::inline v0::detail {

/** One call of an endpoint: its attempts, its limits, its end.

    The work runs on a strand of its own. What its caller does between the steps (`open`, `wait_body`) happens on the
    caller's executor while nothing runs on the strand, but for a read of `body_feed`.
*/
class call final : public std::enable_shared_from_this<call>,
                   public running_call,
                   public stream_source
{
public:
    /// Begins the call: the observer hears of it. What is wrong with the plan or the options is thrown by `open`.
    /// @param gate  stands before each attempt; null: that of the client
    static std::shared_ptr<call> start(std::shared_ptr<client_state>&& client, call_plan&& plan,
                                       call_options&& options, std::shared_ptr<admission>&& gate);

    call(std::shared_ptr<client_state>&& client, call_plan&& plan, call_options&& options,
         std::shared_ptr<admission>&& gate);
    ~call() override;

    /// Makes attempts until one has the head of a success and, with `whole`, its body. Throws `error` otherwise.
    /// @param caller  the executor of the coroutine that awaits
    boost::asio::awaitable<void> open(const boost::asio::any_io_executor& caller, bool whole);

    /// Goes on with further attempts after an answer that began as a success and was none, if the policy allows it; throws
    /// `failure` otherwise. Each goes as far as `open` has let the first go.
    boost::asio::awaitable<void> reopen(error_info failure) override;

    /// The body that `open` has read.
    [[nodiscard]] std::string& body() noexcept { return body_; }

    // ---- the body of a stream, after `open` or `reopen`

    [[nodiscard]] core::response_head take_head() noexcept override { return feed_->take_head(); }
    feed_state take(std::span<const std::string_view>& pieces) override
    {
        return feed_->take(pieces);
    }
    [[nodiscard]] error_info failure() override { return feed_->failure(); }
    boost::asio::awaitable<void> wait_body(std::chrono::nanoseconds limit,
                                           bool first_event) override;
    void saw_first_event() override;
    void commit() noexcept override;

    // ---- the end; only the first counts

    /// The answer is complete: the connection goes back.
    void succeed(const call_outcome& result) override;
    /// Ends with an error, which is completed with the ids of the call.
    error_info fail(error_info info, const call_outcome& result) override;
    /// Ends from outside: cancelled, dropped, closed. From any thread.
    void abort(net::scope::reason why) noexcept override;
    std::shared_ptr<running_call> hold() noexcept override { return weak_from_this().lock(); }
    /// The caller has lost interest.
    void drop(const call_outcome& result) noexcept override;
    void stop(boost::system::error_code code, const char* why) noexcept override;

    [[nodiscard]] regolo::metadata& metadata() noexcept override { return metadata_; }
    [[nodiscard]] net::clock::time_point now() const noexcept override
    {
        return client_->world->timer->now();
    }
    [[nodiscard]] const regolo::limits& bounds() const noexcept override
    {
        return client_->config.limits;
    }
    [[nodiscard]] std::stop_token stop_token() const noexcept override { return options_.stop; }
    [[nodiscard]] answer_doubts fail_on() const noexcept override
    {
        return options_.fail_on.value_or(client_->config.fail_on);
    }

private:
    using work = boost::asio::awaitable<void>;

    /// Runs attempts on the strand.
    work perform(bool whole, core::kept_failure last);
    /// Aborts the call when that slot's signal is emitted.
    void obey(boost::asio::cancellation_slot slot);

    work run_attempts(bool whole, core::kept_failure last);
    /// Null: they have led to an answer. @returns  what the caller is told
    std::exception_ptr end_attempts(std::exception_ptr failure, bool whole) noexcept;
    boost::asio::awaitable<admission::ticket> admit(net::clock::time_point not_before,
                                                    const core::kept_failure& last);
    /// What to wait before the next attempt. @throws error  where there is to be none
    std::optional<core::wait> next_pause(const core::kept_failure& last) const;
    /// Once, and again on a fresh connection where the first was stale. Null: it worked.
    boost::asio::awaitable<std::exception_ptr> attempt(bool whole);
    work renew_key();
    void accept_head(bool whole);
    void note_head(core::response_head&& head);
    work refuse();
    boost::asio::awaitable<error_info> read_error();
    void discard_exchange(close_reason why) noexcept;

    error_info describe_failure(std::exception_ptr failure);
    void complete_info(error_info& info) const;
    /// Calls `hide` with each secret that the call has sent.
    template <class Function>
    void for_each_secret(Function hide) const;

    void let_go() noexcept;
    void leave_connection(close_reason why) noexcept;
    void stop_work(net::scope::reason reason, close_reason why);
    void end(const error_info* failure, const call_outcome& result, bool dropped) noexcept;

    const std::shared_ptr<client_state> client_;
    call_plan plan_;
    call_options options_;
    const std::string call_id_;
    const core::resolved_limits limits_;
    const retry_policy policy_;
    const std::shared_ptr<admission> gate_;
    const std::shared_ptr<net::scope> scope_;
    const std::shared_ptr<body_feed> feed_;  // null unless it is a stream
    call_reporter report_;

    std::unique_ptr<prepared_request>
        request_;  // for attempts; after `commit` what errors must not repeat, or null
    std::shared_ptr<const core::secret> key_;  // of the last attempt, for redaction
    std::shared_ptr<net::exchange> exchange_;  // the last attempt
    net::clock::time_point attempt_began_;
    bool key_renewed_ = false;
    std::optional<admitted> place_;  // of the last attempt, until its answer has ended
    bool sent_once_ = false;         // an attempt got as far as sending
    bool performing_ = false;        // a coroutine of ours runs on the strand
    std::string body_;
    regolo::metadata metadata_;

    std::atomic<bool> ended_{false};
    std::optional<std::stop_callback<std::function<void()>>>
        stop_;  // last: its end waits for a running callback
};

}  // namespace regolo::inline v0::detail
