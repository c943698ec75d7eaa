#pragma once

#include <chrono>
#include <string>

namespace regolo::core {

/// For people: "300 s", "1.5 s" or "250 ms"; at most three decimals.
std::string to_text(std::chrono::nanoseconds duration);

}  // namespace regolo::core
