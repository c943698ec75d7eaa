#include "core/api_error.hpp"
#include "core/http_date.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace regolo::core {
namespace {

using microseconds = std::chrono::microseconds;

/// More than anybody waits, and far from overflow.
constexpr microseconds longest_wait = std::chrono::hours(24 * 365);

std::optional<microseconds> positive(double us)
{
    if (!(us > 0) || !std::isfinite(us))  // also refuses NaN
    {
        return std::nullopt;
    }
    const microseconds wait(std::llround(std::min(us, static_cast<double>(longest_wait.count()))));
    return wait.count() > 0 ? std::optional(wait) : std::nullopt;
}

std::optional<microseconds> read_number(std::string_view text, double us_per_unit)
{
    double value = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value);
    if (read.ec != std::errc{} || read.ptr != end)
    {
        return std::nullopt;
    }
    return positive(value * us_per_unit);
}

std::optional<microseconds> read_seconds_or_date(std::string_view text,
                                                 std::chrono::system_clock::time_point now)
{
    if (const auto seconds = read_number(text, 1e6))
    {
        return seconds;
    }
    // in microseconds: as nanoseconds the year 9999 overflows
    const auto since = std::chrono::floor<microseconds>(now);
    const auto date = parse_http_date(text, now);
    if (!date || *date <= since)
    {
        return std::nullopt;
    }
    return std::min<microseconds>(longest_wait, *date - since);
}

}  // namespace

std::optional<microseconds> read_retry_after(const std::vector<header>& headers,
                                             std::chrono::system_clock::time_point now)
{
    if (const auto text = find_header(headers, "retry-after-ms"))
    {
        if (const auto wait = read_number(trim(*text), 1e3))
        {
            return wait;
        }
    }
    for (const std::string_view name : {"retry-after", "llm_provider-retry-after"})
    {
        if (const auto text = find_header(headers, name))
        {
            if (const auto wait = read_seconds_or_date(trim(*text), now))
            {
                return wait;
            }
        }
    }
    return std::nullopt;
}

}  // namespace regolo::core
