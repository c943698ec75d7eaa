#pragma once

#include <regolo/error.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace regolo::core {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

constexpr bool is_alpha(char c) noexcept
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// C0 controls and DEL; bytes of UTF-8 are none.
constexpr bool is_control(char c) noexcept
{
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
}

constexpr bool is_ascii(char c) noexcept { return static_cast<unsigned char>(c) < 0x80; }

/// Visible ASCII: no space, no control character.
constexpr bool is_visible(char c) noexcept { return c > 0x20 && c < 0x7f; }

/// ASCII only and independent of the locale, as protocols want it.
constexpr char to_lower(char c) noexcept
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string to_lower(std::string_view text);

/// Case-insensitive comparison of ASCII text.
constexpr bool iequals(std::string_view a, std::string_view b) noexcept
{
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return to_lower(x) == to_lower(y); });
}

constexpr bool istarts_with(std::string_view text, std::string_view start) noexcept
{
    return iequals(text.substr(0, start.size()), start);
}

/// The value of a hexadecimal digit.
constexpr std::optional<unsigned> hex_digit(char c) noexcept
{
    const char lower = to_lower(c);
    if (is_digit(c))
        return static_cast<unsigned>(c - '0');
    if (lower >= 'a' && lower <= 'f')
        return static_cast<unsigned>(lower - 'a' + 10);
    return std::nullopt;
}

/// Without white space (space, tab, line ends) at both ends.
constexpr std::string_view trim(std::string_view text) noexcept
{
    constexpr std::string_view space = " \t\r\n\f\v";
    const std::size_t first = text.find_first_not_of(space);
    if (first == std::string_view::npos)
    {
        return {};
    }
    return text.substr(first, text.find_last_not_of(space) - first + 1);
}

/// Appends `text` with everything but RFC 3986's unreserved characters percent-encoded.
void append_percent_encoded(std::string& out, std::string_view text);

/// An error of ours that happened before anything touched the network.
error_info failure(errc code, std::string message);

}  // namespace regolo::core
