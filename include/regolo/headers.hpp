#pragma once

#include <regolo/export.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace regolo::inline v0 {

/// One HTTP header field. Names compare without regard to case.
struct header
{
    std::string name;
    std::string value;

    header() = default;
    header(std::string_view field_name, std::string_view field_value)
        : name(field_name), value(field_value)
    {}
};

/// The value of the first field of that name (any case), or nothing. The view points into `fields`.
[[nodiscard]] REGOLO_EXPORT std::optional<std::string_view> find_header(
    const std::vector<header>& fields, std::string_view name) noexcept;

}  // namespace regolo::inline v0
