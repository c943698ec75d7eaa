#include "core/check_options.hpp"

#include "core/duration_text.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace regolo::core {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

error_info out_of_range(std::string_view member, std::string_view range, std::string_view value)
{
    std::string text(member);
    text += " must be ";
    text += range;
    text += ", but is ";
    text += value;
    return failure(errc::bad_config, std::move(text));
}

/// A year: longer ones are mistakes, and the largest overflow a clock.
constexpr milliseconds longest_duration = 24h * 365;

struct named_duration
{
    std::string_view member;
    milliseconds value;
};

result<void> check_durations(std::initializer_list<named_duration> members)
{
    for (const auto& [member, value] : members)
    {
        if (value < 0ms || value > longest_duration)
        {
            return out_of_range(member, "0 to 365 days", std::to_string(value.count()) + " ms");
        }
    }
    return {};
}

struct named_size
{
    std::string_view member;
    std::size_t value;
    std::size_t most;
};

result<void> check_sizes(std::initializer_list<named_size> members)
{
    for (const auto& [member, value, most] : members)
    {
        if (value < 1 || value > most)
        {
            return out_of_range(member, "1 to " + std::to_string(most), std::to_string(value));
        }
    }
    return {};
}

/// A terabyte, or half of what the machine can address: finite, and sums do not overflow.
constexpr auto most_bytes = static_cast<std::size_t>(
    std::min<std::uint64_t>(std::uint64_t{1} << 40, std::numeric_limits<std::size_t>::max() / 2));

}  // namespace

result<void> check(const time_limits& time)
{
    struct named_limit
    {
        std::string_view member;
        std::optional<milliseconds> time_limits::*value;
    };
    constexpr std::array<named_limit, 7> members{
        {{"time_limits::queue", &time_limits::queue},
         {"time_limits::connect", &time_limits::connect},
         {"time_limits::send", &time_limits::send},
         {"time_limits::head", &time_limits::head},
         {"time_limits::first_event", &time_limits::first_event},
         {"time_limits::idle", &time_limits::idle},
         {"time_limits::total", &time_limits::total}}};
    for (const auto& [member, value] : members)
    {
        const auto& limit = time.*value;
        if (!limit)
            continue;
        if (auto checked = check_durations({{member, *limit}}); !checked)
            return checked;
    }
    return {};
}

result<void> check(const retry_policy& retry)
{
    if (retry.max_retries < 0)
    {
        return out_of_range("retry_policy::max_retries", "0 or more",
                            std::to_string(retry.max_retries));
    }
    if (!(retry.jitter >= 0 && retry.jitter <= 1))  // refuses NaN as well
    {
        return out_of_range("retry_policy::jitter", "0 to 1", std::to_string(retry.jitter));
    }
    return check_durations({{"retry_policy::initial_delay", retry.initial_delay},
                            {"retry_policy::max_delay", retry.max_delay},
                            {"retry_policy::retry_after_cap", retry.retry_after_cap},
                            {"retry_policy::late_timeout", retry.late_timeout}});
}

result<void> check(const pool_options& pool)
{
    // max_idle may be anything: none to all of them
    if (auto sizes =
            check_sizes({{"pool_options::max_connections", pool.max_connections, 1'000'000}});
        !sizes)
    {
        return sizes;
    }
    return check_durations(
        {{"pool_options::idle_limit", pool.idle_limit},
         {"pool_options::learnt_idle_limit", pool.learnt_idle_limit},
         {"pool_options::max_age", pool.max_age},
         {"pool_options::dns_cache", pool.dns_cache},
         {"pool_options::connection_attempt_delay", pool.connection_attempt_delay}});
}

result<void> check(const limits& bounds)
{
    // the last two bound recursion and the memory that one number from outside can ask for
    return check_sizes({{"limits::head", bounds.head, most_bytes},
                        {"limits::error_body", bounds.error_body, most_bytes},
                        {"limits::body", bounds.body, most_bytes},
                        {"limits::event", bounds.event, most_bytes},
                        {"limits::json_depth", bounds.json_depth, 4096},
                        {"limits::index", bounds.index, 65536}});
}

resolved_limits resolve(const time_limits& call, const time_limits& client)
{
    const auto pick = [&](std::optional<milliseconds> time_limits::*member,
                          milliseconds otherwise) -> std::optional<milliseconds> {
        // What is out of range is refused before it counts; until then it must not overflow.
        const milliseconds value = std::clamp(
            (call.*member).value_or((client.*member).value_or(otherwise)), 0ms, longest_duration);
        return value == 0ms ? std::nullopt : std::optional(value);
    };
    resolved_limits out;
    out.queue = pick(&time_limits::queue, 600s);
    out.connect = pick(&time_limits::connect, 10s);
    out.send = pick(&time_limits::send, 60s);
    out.head = pick(&time_limits::head, 600s);
    out.first_event = pick(&time_limits::first_event, 600s);
    out.idle = pick(&time_limits::idle, 120s);
    out.total = pick(&time_limits::total, 0s);
    return out;
}

}  // namespace regolo::core
