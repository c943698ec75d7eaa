#pragma once

#include "net/deadline_timer.hpp"
#include "net/world.hpp"

#include <regolo/error.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace regolo::net {

/** What can end a call from outside: its time limits, a cancellation, the client's end.

    A call has one, with a strand of its own on which all its work runs. Whatever the reason, the same happens:
    the connection in use is closed in that turn, the running coroutine is cancelled, and the reason
    is kept, since Asio would only tell "operation aborted".
*/
class scope final : public std::enable_shared_from_this<scope>, private deadline_timer::entry
{
public:
    using time_point = clock::time_point;
    using duration = std::chrono::nanoseconds;

    struct reason
    {
        error_code code;
        std::string message;
    };

    scope(asio::any_io_executor strand, std::shared_ptr<deadline_timer> timer);
    ~scope() { detach(); }

    /// The strand.
    [[nodiscard]] const asio::any_io_executor& executor() const noexcept { return strand_; }
    [[nodiscard]] deadline_timer& timer() const noexcept { return *timer_; }
    [[nodiscard]] const std::shared_ptr<deadline_timer>& shared_timer() const noexcept
    {
        return timer_;
    }

    /// Ends the call now. On the strand. The first reason stays, unless it was the limit of a phase.
    void abort(reason why);
    /// The same from any thread: at once when called on the strand's own thread, else by post.
    void abort_from_anywhere(reason why) noexcept;

    /// Why the call was ended, or null. On the strand.
    [[nodiscard]] const reason* aborted() const noexcept { return reason_ ? &*reason_ : nullptr; }
    /// @throws error  the reason, if the call was ended
    void check() const;
    /// The same, also when the time of the whole call is over, which the timer may tell a little later.
    void check_time() const;

    /** After the limit of a phase has ended an attempt: the call may go on with another one. The coroutine has to reset
        its cancellation state itself.

        @returns false when the call was ended for another reason, or not at all
    */
    bool revive();

    /// Cancels what the call's coroutine waits for, and leaves the call and its connection whole. On the strand.
    void interrupt();
    /// After an interruption: true where the coroutine, to go on, has to reset its cancellation state.
    bool resume() noexcept { return std::exchange(interrupted_, false) && !reason_; }

    /** A limit for one phase; lifted at the end of the block. Zero means none. Phases do not nest. */
    class phase_limit
    {
    public:
        phase_limit(scope& owner, errc code, duration limit, duration used = {});
        ~phase_limit();
        phase_limit(const phase_limit&) = delete;
        phase_limit& operator=(const phase_limit&) = delete;
        /// Starts the time anew, since there was progress.
        void restart();

    private:
        scope& owner_;
        errc code_;
        duration limit_;
    };
    /// The same without a block, for operations that are no coroutine.
    void arm_phase(errc code, duration limit, duration used = {});
    void disarm_phase();

    /// A limit for the whole call: `errc::total_timeout` after `total` (zero: none), `errc::deadline_exceeded` at
    /// a time point; the earlier counts. Set once, before anything runs.
    void limit_total(duration total, std::optional<time_point> deadline = std::nullopt);
    /// When it ends, if ever.
    [[nodiscard]] std::optional<time_point> end_of_time() const noexcept;

    /// The stream that `abort` closes in the same turn; null for none.
    void hold(byte_stream* stream) noexcept { stream_ = stream; }
    /// The same for a block.
    class holder
    {
    public:
        holder(scope& owner, byte_stream* stream) noexcept : owner_(owner) { owner_.hold(stream); }
        ~holder() { owner_.hold(nullptr); }
        holder(const holder&) = delete;
        holder& operator=(const holder&) = delete;

    private:
        scope& owner_;
    };

    /// What a coroutine spawned on the strand for this call is cancelled through. One at a time.
    [[nodiscard]] asio::cancellation_slot slot() noexcept { return signal_.slot(); }

    /// Waits until that time, unless the call ends before: then `operation_aborted` is thrown.
    [[nodiscard]] asio::awaitable<void> sleep_until(time_point when);

private:
    struct limit
    {
        time_point due = time_point::max();
        errc code{};
        duration value{};
    };

    bool expired() noexcept override;
    void check_limits();
    void end(reason why);
    void rearm();

    asio::any_io_executor strand_;
    std::shared_ptr<deadline_timer> timer_;
    asio::cancellation_signal signal_;
    byte_stream* stream_ = nullptr;
    std::optional<reason> reason_;
    bool by_phase_ = false;     // the reason is the limit of a phase
    bool interrupted_ = false;  // and not resumed
    limit phase_;
    limit total_;
};

/// What is told to a person when a limit fires: its name, its value, and what to do.
std::string limit_text(errc code, std::chrono::nanoseconds value);

}  // namespace regolo::net
