#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace regolo::core {

/** A date of RFC 9110, section 5.6.7, in one of its three forms: "Fri, 29 Sep 2023 16:26:57 GMT",
    "Friday, 29-Sep-23 16:26:57 GMT" or "Fri Sep 29 16:26:57 2023". Nothing for anything else, days that do not exist
    included. The weekday must be one, but is not compared with the date.
    @param now  tells the century of two-digit years: they are at most 50 years ahead */
std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text,
                                                        std::chrono::system_clock::time_point now);

}  // namespace regolo::core
