// Dates and waiting times: written and read again for any time, and any text against a calendar that counts days.

#include "core/api_error.hpp"
#include "core/http_date.hpp"
#include "fuzz.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace regolo::fuzz {
namespace {

constexpr std::array<const char*, 7> days{"Thursday", "Friday",  "Saturday", "Sunday",
                                          "Monday",   "Tuesday", "Wednesday"};
constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct date
{
    int year = 1970;
    int month = 0;  // 0 is January
    int day = 1;
    int hour = 0;
    int minute = 0;
    int second = 0;
    const char* name = days[0];
};

bool is_leap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

int length_of(int month, int year)
{
    static constexpr std::array<int, 12> lengths{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return lengths.at(static_cast<std::size_t>(month)) + (month == 1 && is_leap(year) ? 1 : 0);
}

/// By counting, from 1970 on.
date date_of(std::int64_t seconds)
{
    date out;
    auto left = seconds / 86400;
    out.name = days.at(static_cast<std::size_t>(left % 7));
    const auto clock = static_cast<int>(seconds % 86400);
    out.hour = clock / 3600;
    out.minute = clock / 60 % 60;
    out.second = clock % 60;
    while (left >= (is_leap(out.year) ? 366 : 365))
        left -= is_leap(out.year++) ? 366 : 365;
    while (left >= length_of(out.month, out.year))
        left -= length_of(out.month++, out.year);
    out.day = static_cast<int>(left) + 1;
    return out;
}

template <class... Values>
std::string printed(const char* format, Values... values)
{
    std::array<char, 100> text{};
    std::snprintf(text.data(), text.size(), format, values...);
    return text.data();
}

std::string imf(const date& d)
{
    return printed("%.3s, %02d %s %04d %02d:%02d:%02d GMT", d.name, d.day,
                   months.at(static_cast<std::size_t>(d.month)), d.year, d.hour, d.minute,
                   d.second);
}
std::string rfc850(const date& d)
{
    return printed("%s, %02d-%s-%02d %02d:%02d:%02d GMT", d.name, d.day,
                   months.at(static_cast<std::size_t>(d.month)), d.year % 100, d.hour, d.minute,
                   d.second);
}
std::string asctime(const date& d)
{
    return printed("%.3s %s %2d %02d:%02d:%02d %04d", d.name,
                   months.at(static_cast<std::size_t>(d.month)), d.day, d.hour, d.minute, d.second,
                   d.year);
}

/// Without the name of the day, which is not compared; a leap second is the second after it.
std::string comparable(std::string_view text)
{
    return std::string(text.substr(std::min(text.find(' '), text.size())));
}

void check_written(std::int64_t seconds, std::chrono::system_clock::time_point now)
{
    const auto d = date_of(seconds);
    const auto wanted = std::chrono::sys_seconds(std::chrono::seconds(seconds));
    check(core::parse_http_date(imf(d), now) == wanted, "a date is read as another one");
    check(core::parse_http_date(asctime(d), now) == wanted, "a date of asctime is another one");
    const auto short_year = core::parse_http_date(rfc850(d), now);
    check(short_year.has_value(), "a date of RFC 850 is refused");
    const auto away = *short_year - std::chrono::floor<std::chrono::seconds>(now);
    check(away <= std::chrono::hours(24 * 366 * 51) && away >= -std::chrono::hours(24 * 366 * 51),
          "a year of two digits is not the nearest");
}

/// A text that is read is one of the three forms of what was read.
void check_read(std::string_view text, std::chrono::system_clock::time_point now)
{
    const auto read = core::parse_http_date(text, now);
    const bool leap_second = text.find(":60") != text.npos;
    if (!read || leap_second)
        return;
    const auto seconds = read->time_since_epoch().count();
    if (seconds < 0)
        return;  // the calendar here begins with 1970
    const auto d = date_of(seconds);
    const auto ours = comparable(text);
    check(ours == comparable(imf(d)) || ours == comparable(rfc850(d)) ||
              ours == comparable(asctime(d)) ||
              // a day of one digit may have a zero in front
              ours == comparable(asctime(d)).replace(5, 1, "0"),
          "a date is read out of something else");
}

std::optional<double> literal_number(std::string_view text)
{
    bool digit = false;
    int dots = 0;
    for (const char c : text)
    {
        digit = digit || (c >= '0' && c <= '9');
        dots += c == '.' ? 1 : 0;
        if ((c < '0' || c > '9') && c != '.')
            return std::nullopt;
    }
    if (!digit || dots > 1)
        return std::nullopt;
    return std::strtod(std::string(text).c_str(), nullptr);
}

void check_wait(std::string_view name, std::string_view text, double unit,
                std::chrono::system_clock::time_point now)
{
    const auto wait = core::read_retry_after({header(name, text)}, now);
    constexpr double longest = 365.0 * 86400 * 1e6;
    if (wait)
        check(wait->count() > 0 && static_cast<double>(wait->count()) <= longest,
              "a time to wait that makes no sense");
    const auto number = literal_number(text);
    if (!number)
        return;
    const auto wanted = std::min(*number * unit, longest);
    check(wait.has_value() == (std::llround(wanted) > 0), "a number is refused, or zero is waited");
    if (wait)
        check(std::abs(static_cast<double>(wait->count()) - wanted) <= 1, "another time to wait");
}

void run(std::string_view bytes)
{
    input in(bytes);
    std::uint64_t number = 0;
    for (int i = 0; i < 6; ++i)
        number = number << 8 | in.byte();
    constexpr std::uint64_t last = 253402300799;  // the end of the year 9999
    const auto seconds = static_cast<std::int64_t>(number % (last + 1));
    const auto now = std::chrono::system_clock::time_point(
        std::chrono::seconds(1600000000 + std::int64_t{in.word()} * 30000));
    check_written(seconds, now);
    check_read(in.rest(), now);
    check_wait("retry-after", in.rest(), 1e6, now);
    check_wait("Retry-After-Ms", in.rest(), 1e3, now);
    check_wait("llm_provider-retry-after", in.rest(), 1e6, now);

    const auto date = core::read_retry_after({header("retry-after", imf(date_of(seconds)))}, now);
    const auto ahead = std::chrono::sys_seconds(std::chrono::seconds(seconds)) -
                       std::chrono::floor<std::chrono::seconds>(now);
    check(date.has_value() == (ahead.count() > 0), "a date in the past is waited for, or none");
}

const target registered("retry_after", run);

}  // namespace
}  // namespace regolo::fuzz
