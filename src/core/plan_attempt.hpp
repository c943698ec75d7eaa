#pragma once

#include <regolo/error.hpp>
#include <regolo/options.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <variant>

namespace regolo::core {

/// What the decision about the next attempt depends on, besides the last error.
struct call_view
{
    const retry_policy& policy;
    std::size_t targets = 1;                              ///< origins and keys to choose from
    std::optional<std::chrono::nanoseconds> time_left{};  ///< until the deadline, if there is one
    std::chrono::nanoseconds attempt_took{};  ///< from the last attempt's start to its failure
    bool delivered = false;                   ///< a chunk has reached the caller
    double random = 0;                        ///< uniform in [0, 1)
};

/// Start an attempt now, with that target.
struct attempt
{
    std::size_t target = 0;
};

/// Wait, then start one, without asking again.
struct wait
{
    std::chrono::microseconds delay{};
    bool gates_client =
        false;  ///< a 429 or 503 with a retry-after: no other call of the client starts before
    std::chrono::microseconds
        floor{};   ///< the part of `delay` that the server asked for; zero without
    attempt next;  ///< what to start then
};

/** The call has failed. `instead` replaces the last error: it is the same with a longer message, which says why
    there is no further attempt, or `errc::deadline_exceeded` where there was none yet. */
struct give_up
{
    std::optional<error_info> instead;
};

using attempt_plan = std::variant<attempt, wait, give_up>;

/** The only place that decides whether, when and where an attempt is made.

    In this order: nothing after a delivered chunk, for a used-up budget, or after a failure that a repetition
    cannot mend or that was not the server's; then what the server says (`x-should-retry`), its status, or whether the request
    was sent; then the number of retries, the server's `retry-after` against its cap, and the time left.

    @param number  attempts started so far
    @param last    what ended the last one; null before the first
*/
attempt_plan plan_attempt(const call_view& call, int number, const error_info* last);

}  // namespace regolo::core
