#pragma once

#include <cstddef>
#include <cstdint>

namespace regolo::core {

/** How many attempts of a run go on at the same time, learnt from the server's refusals.

    Starts at the maximum. A refusal lowers the limit to what the server still took: of a burst of refusals each takes
    one place off. Successes raise it again: by one each up to half of what was running when the burst began, and from
    there one place at a time and the slower, the more often a raise was refused; so a server with a fixed limit is probed
    now and then only, and one that counts requests per minute is not run into with all there is after each pause.
    Pure: no time, no lock.
*/
class concurrency_limit
{
public:
    /// Names the burst that an attempt belongs to: attempts that began before the last refusal are of the same.
    using burst = std::uint64_t;

    explicit concurrency_limit(std::size_t maximum) noexcept;

    [[nodiscard]] bool has_room() const noexcept { return active_ < allowed_; }
    [[nodiscard]] std::size_t allowed() const noexcept { return allowed_; }
    [[nodiscard]] std::size_t active() const noexcept { return active_; }

    burst begin() noexcept;
    void end(burst begun, bool refused) noexcept;

private:
    void lower(burst begun) noexcept;
    void raise() noexcept;

    std::size_t maximum_;
    std::size_t allowed_;
    std::size_t ramp_ = 1;  // each success raises the limit up to there
    std::size_t active_ = 0;
    burst burst_ = 0;
    std::size_t successes_ = 0;  // since the limit last changed
    std::size_t patience_ = 2;   // successes per place before a raise
    bool raised_ = false;        // the last change was a raise
};

}  // namespace regolo::core
