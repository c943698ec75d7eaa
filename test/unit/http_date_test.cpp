#include "core/http_date.hpp"

#include <gtest/gtest.h>

#include <string>

namespace regolo::test {
namespace {

using namespace std::chrono;

const system_clock::time_point now = sys_days(year(2023) / 9 / 29) + hours(16);

std::optional<sys_seconds> parse(std::string_view text) { return core::parse_http_date(text, now); }

constexpr sys_seconds at(year_month_day day, int hour, int minute, int second)
{
    return sys_days(day) + hours(hour) + minutes(minute) + seconds(second);
}

TEST(HttpDate, ReadsAllThreeForms)
{
    const sys_seconds expected = at(year(2023) / 9 / 29, 16, 26, 57);
    EXPECT_EQ(parse("Fri, 29 Sep 2023 16:26:57 GMT"), expected);
    EXPECT_EQ(parse("Friday, 29-Sep-23 16:26:57 GMT"), expected);
    EXPECT_EQ(parse("Fri Sep 29 16:26:57 2023"), expected);
    EXPECT_EQ(parse("Sat Sep  9 16:26:57 2023"), at(year(2023) / 9 / 9, 16, 26, 57));
    EXPECT_EQ(parse("Thu, 29 Feb 2024 00:00:00 GMT"), at(year(2024) / 2 / 29, 0, 0, 0));
    EXPECT_EQ(parse("Sun, 31 Dec 2023 23:59:60 GMT"), at(year(2024) / 1 / 1, 0, 0, 0));
    EXPECT_EQ(parse("Thu, 01 Jan 1970 00:00:00 GMT"), sys_seconds());
}

TEST(HttpDate, FindsTheCenturyOfShortYears)
{
    EXPECT_EQ(parse("Friday, 29-Sep-73 00:00:00 GMT"), at(year(2073) / 9 / 29, 0, 0, 0));
    EXPECT_EQ(parse("Friday, 29-Sep-74 00:00:00 GMT"), at(year(1974) / 9 / 29, 0, 0, 0));
    EXPECT_EQ(core::parse_http_date("Friday, 29-Sep-10 00:00:00 GMT", sys_days(year(2090) / 1 / 1)),
              at(year(2110) / 9 / 29, 0, 0, 0));
}

TEST(HttpDate, RefusesNonsense)
{
    for (const std::string text : {"",
                                   "Fri",
                                   "Fri, 29 Sep 100000 16:26:57 GMT",
                                   "Fri, 29 Sep 2023 16:26:57",
                                   "Fri, 29 Sep 2023 16:26:57 CET",
                                   "Fri, 29 Sep 2023 16:26:57 GMT ",
                                   "Fri, 31 Sep 2023 16:26:57 GMT",
                                   "Wed, 29 Feb 2023 16:26:57 GMT",
                                   "Fri, 00 Sep 2023 16:26:57 GMT",
                                   "Fri, 29 Sep 2023 24:00:00 GMT",
                                   "Fri, 29 Sep 2023 16:60:00 GMT",
                                   "Fri, 29 Sep 2023 16:26:61 GMT",
                                   "Foo, 29 Sep 2023 16:26:57 GMT",
                                   "Fri, 29 Foo 2023 16:26:57 GMT",
                                   "Fri, 9 Sep 2023 16:26:57 GMT",
                                   "Fri, -9 Sep 2023 16:26:57 GMT",
                                   "fri, 29 sep 2023 16:26:57 gmt",
                                   "29 Sep 2023 16:26:57 GMT",
                                   "Fri, 29-Sep-23 16:26:57 GMT",
                                   "Fri Sep 29 16:26:57 23",
                                   "Fri Sep 9 16:26:57 2023",
                                   "2023-09-29T16:26:57Z",
                                   "Fri, 29 Sep +202 16:26:57 GMT"})
    {
        EXPECT_EQ(parse(text), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace regolo::test
