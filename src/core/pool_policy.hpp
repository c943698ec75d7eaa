#pragma once

#include <regolo/close_reason.hpp>
#include <regolo/options.hpp>

#include <chrono>
#include <cstddef>
#include <optional>

/** @file
    The decisions about connections, without any.
*/

namespace regolo::core {

using steady_time = std::chrono::steady_clock::time_point;

/// Why an idle connection must go now; nothing while it may still be used.
std::optional<close_reason> idle_verdict(steady_time now, steady_time idle_since,
                                         std::chrono::milliseconds idle_limit,
                                         steady_time aged_at) noexcept;

/// When a connection made now is too old: `max_age` less up to 10 %, so that many made at once do not go at once.
steady_time age_limit(steady_time now, std::chrono::milliseconds max_age, double random) noexcept;

/// The idle limit after a `Keep-Alive: timeout=N`: a second below the hint, within `learnt_idle_limit` (zero: hints
/// count for nothing).
std::chrono::milliseconds learn_from_hint(std::chrono::seconds hint, const pool_options& options,
                                          std::chrono::milliseconds current) noexcept;

/// The idle limit after a server closed a connection that had been idle for so long: a fifth below that.
std::chrono::milliseconds learn_from_close(std::chrono::nanoseconds idle_for,
                                           std::chrono::milliseconds current) noexcept;

/// What is known of an exchange that failed without an answer.
struct stale_view
{
    bool reused = false;      // the connection had carried an exchange before
    bool incomplete = false;  // the request could not be written whole
    bool closed = false;      // EOF or reset while waiting for the answer
    bool ended = false;       // EOF, that is
    bool arrived = true;      // the peer's system may have acknowledged a byte of the request
    bool has_part = false;    // the beginning of a TLS record came
    std::size_t answer_bytes = 0;
    std::chrono::nanoseconds since_sent{};  // from the last request byte to the failure
};

/** Whether the server had closed the connection before it saw the request, so that sending it again on a fresh one is
    no second attempt. True only for a connection that was used before.

    The end of a stream carries the acknowledgement of all that had arrived before it: where that is none of the request,
    it is proven. A reset carries none. Without a proof it is likely where the connection failed at once, but a server may
    have read the request and closed.

    @param proven_only  likely is not enough
*/
bool is_stale(const stale_view& failure, bool proven_only) noexcept;

}  // namespace regolo::core
