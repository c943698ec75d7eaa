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
    return text.find_first_of("%\\") != std::string_view::npos;
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

/** Calls `use(character, place)` for each character that is meant by text that may have been escaped, also more than once
    ("%252F", "\\/"). For comparing alone: of text that had no escapes, but looks as if it had, it tells something else. */
template <class Function>
void for_each_meant(std::string_view text, Function use)
{
    for (std::size_t at = 0; at < text.size();)
    {
        const std::size_t place = at;
        char meant = text[at++];
        std::size_t digits = 0;
        if (meant == '%')
        {
            while (text.substr(at, 2) == "25")
                at += 2;
            digits = 2;
        }
        else if (meant == '\\')
        {
            at = std::min(text.find_first_not_of('\\', at), text.size());
            if (at < text.size())
                meant = text[at++];
            digits = meant == 'u' ? 4 : 0;
        }
        if (const auto known = digits == 0 ? std::nullopt : character_of(text, at, digits))
        {
            meant = *known;
            at += digits;
        }
        use(meant, place);
    }
}

}  // namespace regolo::core
