#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace regolo::inline v0::testing {

/// Equal for equal texts, on every machine.
[[nodiscard]] std::uint64_t hash(std::string_view text, std::uint64_t seed = 14695981039346656037U);

/// Sixteen digits.
[[nodiscard]] std::string hex(std::uint64_t value);

[[nodiscard]] std::string base64(std::string_view bytes);

/// The value of a parameter in the query of a request target; empty if absent.
[[nodiscard]] std::string query_value(std::string_view target, std::string_view name);

}  // namespace regolo::inline v0::testing
