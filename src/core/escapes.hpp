#pragma once

#include "core/text.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>

namespace regolo::core {

/// Whether it may have escapes of URLs ("%2F") or JSON ("\/", "\u002f").
constexpr bool has_escapes(std::string_view text) noexcept
{
    return std::any_of(text.begin(), text.end(), [](char c) { return c == '%' || c == '\\'; });
}

/// The ASCII character whose code the `count` hexadecimal digits at `at` are, if that is what stands there.
constexpr std::optional<char> character_of(std::string_view text, std::size_t at,
                                           std::size_t count) noexcept
{
    const auto digits = text.substr(at, count);
    unsigned code = digits.size() < count ? 0x80 : 0;
    for (const char c : digits)
    {
        const auto digit = hex_digit(c);
        if (!digit)
            return std::nullopt;
        code = code * 16 + *digit;
    }
    return code < 0x80 ? std::optional(static_cast<char>(code)) : std::nullopt;
}

/// A character, and how many mean it.
struct meant_character
{
    char value;
    std::size_t size;
};

/** What is meant at that place of text that may have been escaped, also more than once ("%252F", "\\/"). For comparing alone: of
    text that had no escapes, but looks as if it had, it tells something else.
    @par Preconditions  at < text.size() */
constexpr meant_character meant_at(std::string_view text, std::size_t at) noexcept
{
    const std::size_t begin = at;
    char value = text[at++];
    std::size_t digits = 0;
    if (value == '%')
    {
        while (text.substr(at, 2) == "25")
            at += 2;
        digits = 2;
    }
    else if (value == '\\')
    {
        at = std::min(text.find_first_not_of('\\', at), text.size());
        if (at < text.size())
            value = text[at++];
        digits = value == 'u' ? 4 : 0;
    }
    if (const auto known = digits == 0 ? std::nullopt : character_of(text, at, digits))
    {
        value = *known;
        at += digits;
    }
    return {value, at - begin};
}

}  // namespace regolo::core
