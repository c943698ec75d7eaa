#pragma once

#include "core/check_options.hpp"
#include "core/kept_failure.hpp"
#include "net/exchange.hpp"
#include "net/io_handler.hpp"
#include "stream_source.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace regolo::inline v0::detail {

/** The body of a response on its way from the strand of a call to the caller who reads it.

    The caller takes what has arrived without a hop and without a copy; when that runs out he waits, and one read runs on
    the strand. The connection's buffer is the strand's while a read is under way, and the caller's otherwise.
*/
class body_feed final : public std::enable_shared_from_this<body_feed>
{
public:
    using handler = net::io_handler<void(boost::system::error_code)>;

    body_feed(std::shared_ptr<net::scope> scope, const core::resolved_limits& limits);
    ~body_feed();

    /// The exchange has a head. On the strand.
    void start(std::shared_ptr<net::exchange> exchange);

    // ---- for the caller

    [[nodiscard]] core::response_head take_head() noexcept
    {
        return std::move(source_->reader.head());
    }

    using state = feed_state;
    /// What the last read has brought of the body, once: valid until the next wait, `reset` or `let_go`.
    state take(std::span<const std::string_view>& pieces);
    /// Why `take` says failed. @throws std::bad_alloc
    [[nodiscard]] error_info failure() const;

    /// Takes leave of the connection's buffer, which the strand may now give away. Returns the bytes received.
    std::uint64_t let_go() noexcept;
    /// Forgets the response, for the next attempt.
    void reset() noexcept;

    // ---- on the strand

    /** Wakes the caller when there is more for `take`, or with `errc::wait_timeout` after `limit` (zero: none), which leaves
        the read running.
        @param first_event  the limit for the first event counts, instead of the one for silence */
    void wait(handler done, std::chrono::nanoseconds limit, bool first_event);

private:
    enum class reading
    {
        idle,
        pending,
        arrived
    };
    class alarm;
    class pending_read;

    [[nodiscard]] bool prepare_alarm() noexcept;
    void start_read(bool first_event);
    void on_read(boost::system::error_code ec);
    template <class Explain>
    void fail(Explain explain) noexcept;
    void abandon() noexcept;
    void resume(boost::system::error_code ec);
    [[nodiscard]] net::clock::time_point now() const noexcept { return scope_->timer().now(); }

    const std::shared_ptr<net::scope> scope_;
    const std::chrono::nanoseconds first_event_limit_;
    const std::chrono::nanoseconds idle_limit_;
    std::shared_ptr<net::exchange> exchange_;
    std::shared_ptr<net::connection> source_;  // keeps what the caller reads from while he does

    std::atomic<reading> reading_{reading::idle};
    handler reader_;  // who waits; on the strand
    std::unique_ptr<alarm> alarm_;
    net::clock::time_point read_began_;
    std::chrono::nanoseconds first_event_wait_{};  // time spent waiting for it
    bool waits_for_first_ = false;                 // the read under way does
    std::uint64_t bytes_before_read_ = 0;  // of this exchange, when the read under way began
    bool has_pieces_ = false;  // what the last read has brought, if anything, was not taken
    bool failed_ = false;
    core::kept_failure failure_;  // none: there was no memory for it
};

}  // namespace regolo::inline v0::detail
