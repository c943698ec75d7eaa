#include "core/duration_text.hpp"

#include <cstdint>

namespace regolo::core {
namespace {

/// `thousandths` / 1000, without zeros at the end.
std::string decimal(std::int64_t thousandths)
{
    std::string text = std::to_string(thousandths / 1000);
    if (const std::int64_t rest = thousandths % 1000; rest != 0)
    {
        const std::string digits = std::to_string(1000 + rest);  // keeps the zeros in front
        text += '.' + digits.substr(1, digits.find_last_not_of('0'));
    }
    return text;
}

}  // namespace

std::string to_text(std::chrono::nanoseconds duration)
{
    const std::int64_t ns = duration.count();
    if (ns < 0)
    {
        return '-' + to_text(-duration);
    }
    return ns >= 1'000'000'000 ? decimal(ns / 1'000'000) + " s" : decimal(ns / 1000) + " ms";
}

}  // namespace regolo::core
