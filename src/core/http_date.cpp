#include "core/http_date.hpp"

#include "core/text.hpp"

#include <array>
#include <cstddef>

namespace regolo::core {
namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 7> day_names{"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                    "Friday", "Saturday", "Sunday"};
constexpr std::array<std::string_view, 12> month_names{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// Reads from left to right; after the first mismatch it stays `failed`.
class scanner
{
public:
    explicit scanner(std::string_view text) noexcept : rest_(text) {}

    bool skip(std::string_view expected) noexcept
    {
        if (failed_ || !rest_.starts_with(expected))
        {
            return false;
        }
        rest_.remove_prefix(expected.size());
        return true;
    }

    void expect(std::string_view expected) noexcept
    {
        if (!skip(expected))
        {
            failed_ = true;
        }
    }

    /// Exactly `count` digits.
    int digits(std::size_t count) noexcept
    {
        int value = 0;
        for (; count > 0; --count)
        {
            if (failed_ || rest_.empty() || !is_digit(rest_.front()))
            {
                failed_ = true;
                return 0;
            }
            value = value * 10 + (rest_.front() - '0');
            rest_.remove_prefix(1);
        }
        return value;
    }

    unsigned unsigned_digits(std::size_t count) noexcept
    {
        return static_cast<unsigned>(digits(count));
    }

    unsigned month_name() noexcept
    {
        for (std::size_t i = 0; i < month_names.size(); ++i)
        {
            if (skip(month_names[i]))
            {
                return static_cast<unsigned>(i + 1);
            }
        }
        failed_ = true;
        return 0;
    }

    /// "Friday" or "Fri".
    void day_name(bool whole) noexcept
    {
        for (const std::string_view name : day_names)
        {
            if (skip(whole ? name : name.substr(0, 3)))
            {
                return;
            }
        }
        failed_ = true;
    }

    void fail() noexcept { failed_ = true; }
    /// Everything was read, and as expected.
    [[nodiscard]] bool complete() const noexcept { return !failed_ && rest_.empty(); }

private:
    std::string_view rest_;
    bool failed_ = false;
};

struct fields
{
    int year = 0;
    unsigned month = 0;
    unsigned day = 0;
    seconds time{};
};

/// "16:26:57". A leap second is the next minute's first.
seconds read_time(scanner& in) noexcept
{
    const int hour = in.digits(2);
    in.expect(":");
    const int minute = in.digits(2);
    in.expect(":");
    const int second = in.digits(2);
    if (hour > 23 || minute > 59 || second > 60)
    {
        in.fail();
    }
    return hours(hour) + minutes(minute) + seconds(second);
}

/// "Fri, 29 Sep 2023 16:26:57 GMT"
std::optional<fields> read_imf(std::string_view text) noexcept
{
    scanner in(text);
    fields out;
    in.day_name(false);
    in.expect(", ");
    out.day = in.unsigned_digits(2);
    in.expect(" ");
    out.month = in.month_name();
    in.expect(" ");
    out.year = in.digits(4);
    in.expect(" ");
    out.time = read_time(in);
    in.expect(" GMT");
    return in.complete() ? std::optional(out) : std::nullopt;
}

/// "Friday, 29-Sep-23 16:26:57 GMT"
std::optional<fields> read_rfc850(std::string_view text, system_clock::time_point now) noexcept
{
    scanner in(text);
    fields out;
    in.day_name(true);
    in.expect(", ");
    out.day = in.unsigned_digits(2);
    in.expect("-");
    out.month = in.month_name();
    in.expect("-");
    const int two_digits = in.digits(2);
    in.expect(" ");
    out.time = read_time(in);
    in.expect(" GMT");
    const int this_year = static_cast<int>(year_month_day(floor<days>(now)).year());
    out.year = this_year - this_year % 100 + two_digits;
    if (out.year > this_year + 50)
    {
        out.year -= 100;
    }
    else if (out.year <= this_year - 50)
    {
        out.year += 100;
    }
    return in.complete() ? std::optional(out) : std::nullopt;
}

/// "Fri Sep 29 16:26:57 2023"; a day of one digit has a space before it
std::optional<fields> read_asctime(std::string_view text) noexcept
{
    scanner in(text);
    fields out;
    in.day_name(false);
    in.expect(" ");
    out.month = in.month_name();
    in.expect(" ");
    out.day = in.skip(" ") ? in.unsigned_digits(1) : in.unsigned_digits(2);
    in.expect(" ");
    out.time = read_time(in);
    in.expect(" ");
    out.year = in.digits(4);
    return in.complete() ? std::optional(out) : std::nullopt;
}

}  // namespace

std::optional<sys_seconds> parse_http_date(std::string_view text, system_clock::time_point now)
{
    std::optional<fields> read = read_imf(text);
    if (!read)
    {
        read = read_rfc850(text, now);
    }
    if (!read)
    {
        read = read_asctime(text);
    }
    if (!read)
    {
        return std::nullopt;
    }
    const year_month_day date{year(read->year), month(read->month), day(read->day)};
    if (!date.ok())
    {
        return std::nullopt;
    }
    return sys_days(date) + read->time;
}

}  // namespace regolo::core
