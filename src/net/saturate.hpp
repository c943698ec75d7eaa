#pragma once

#include <chrono>

namespace regolo::net {

/// `when + after`, or the end of time where that is beyond it. The time must not be before the clock's start.
template <class Clock, class Duration>
[[nodiscard]] constexpr auto later(std::chrono::time_point<Clock, Duration> when,
                                   std::chrono::nanoseconds after) noexcept
{
    using point = std::chrono::time_point<Clock, Duration>;
    return after >= point::max() - when ? point::max() : when + after;
}

}  // namespace regolo::net
