#include "core/api_error.hpp"

#include <gtest/gtest.h>

#include <string>

namespace regolo::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;

// 2023-09-29 16:26:37.5
const std::chrono::system_clock::time_point now(1696004797500ms);

std::optional<microseconds> read(std::vector<header> headers)
{
    return core::read_retry_after(headers, now);
}

std::optional<microseconds> seconds(std::string_view value)
{
    return read({{"Retry-After", value}});
}

TEST(RetryAfter, ReadsSecondsFractionsAndDates)
{
    EXPECT_EQ(seconds("61"), 61s);
    EXPECT_EQ(seconds(" 1.5 "), 1500ms);
    EXPECT_EQ(seconds("0.1"), 100ms);
    EXPECT_EQ(seconds("0.000001"), 1us);
    EXPECT_EQ(seconds("1e2"), 100s);
    EXPECT_EQ(seconds("Fri, 29 Sep 2023 16:26:57 GMT"), 19500ms);
    EXPECT_EQ(seconds("Fri Sep 29 16:26:57 2023"), 19500ms);
    EXPECT_EQ(seconds("Friday, 29-Sep-23 16:26:38 GMT"), 500ms);
}

TEST(RetryAfter, HasNothingToSayForZeroPastAndNonsense)
{
    for (const std::string value : {"",
                                    " ",
                                    "0",
                                    "0.0",
                                    "-0",
                                    "-1",
                                    "0.0000001",
                                    "inf",
                                    "-inf",
                                    "nan",
                                    "1s",
                                    "1,5",
                                    "1 2",
                                    "0x10",
                                    "+5",
                                    "soon",
                                    "None",
                                    "1e999",
                                    "Fri, 29 Sep 2023 16:26:37 GMT",
                                    "Fri, 29 Sep 100000 16:26:57 GMT"})
    {
        EXPECT_EQ(seconds(value), std::nullopt) << value;
        EXPECT_EQ(read({{"retry-after-ms", value}}), std::nullopt) << value;
    }
    EXPECT_EQ(read({}), std::nullopt);
}

TEST(RetryAfter, DoesNotOverflow)
{
    for (const std::string value :
         {"1e300", "99999999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"})
    {
        EXPECT_EQ(seconds(value), 24h * 365) << value;
    }
}

TEST(RetryAfter, PrefersTheMoreExactAndTheNearer)
{
    EXPECT_EQ(read({{"llm_provider-retry-after", "7"}}), 7s);
    EXPECT_EQ(read({{"llm_provider-retry-after", "7"}, {"retry-after", "9"}}), 9s);
    EXPECT_EQ(read({{"retry-after", "9"}, {"Retry-After-Ms", "12.5"}}), 12500us);
    EXPECT_EQ(read({{"retry-after-ms", "junk"}, {"retry-after", "9"}}), 9s);
    EXPECT_EQ(
        read({{"retry-after-ms", "0"}, {"retry-after", "0"}, {"llm_provider-retry-after", "7"}}),
        7s);
}

}  // namespace
}  // namespace regolo::test
