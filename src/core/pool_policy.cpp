#include "core/pool_policy.hpp"

#include <algorithm>

namespace regolo::core {

namespace {

// A server that works on the request and then fails takes longer than this to say nothing.
constexpr std::chrono::seconds stale_window{1};

}  // namespace

std::optional<close_reason> idle_verdict(steady_time now, steady_time idle_since,
                                         std::chrono::milliseconds idle_limit,
                                         steady_time aged_at) noexcept
{
    if (now >= aged_at)
        return close_reason::aged;
    if (now - idle_since >= idle_limit)
        return close_reason::idle;
    return std::nullopt;
}

steady_time age_limit(steady_time now, std::chrono::milliseconds max_age, double random) noexcept
{
    if (max_age <= std::chrono::milliseconds::zero())
        return steady_time::max();
    const auto jitter = std::chrono::duration<double, std::milli>(max_age) * 0.1 * random;
    return now + max_age - std::chrono::duration_cast<std::chrono::milliseconds>(jitter);
}

std::chrono::milliseconds learn_from_hint(std::chrono::seconds hint, const pool_options& options,
                                          std::chrono::milliseconds current) noexcept
{
    using std::chrono::milliseconds;
    if (options.learnt_idle_limit <= milliseconds::zero())
        return current;
    if (hint <= std::chrono::seconds::zero())
        return milliseconds::zero();
    const milliseconds safe = hint > std::chrono::seconds(1)
                                  ? milliseconds(hint) - std::chrono::seconds(1)
                                  : milliseconds(hint) / 2;
    return std::min(safe, options.learnt_idle_limit);
}

std::chrono::milliseconds learn_from_close(std::chrono::nanoseconds idle_for,
                                           std::chrono::milliseconds current) noexcept
{
    const auto below = std::chrono::duration_cast<std::chrono::milliseconds>(idle_for * 4 / 5);
    return std::min(current, below);
}

bool is_stale(const stale_view& failure, bool proven_only) noexcept
{
    if (!failure.reused || failure.answer_bytes != 0 || failure.has_part)
        return false;
    if (failure.incomplete || (failure.ended && !failure.arrived))
        return true;
    return !proven_only && failure.closed && failure.since_sent <= stale_window;
}

}  // namespace regolo::core
