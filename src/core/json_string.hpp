#pragma once

#include "core/text_word.hpp"

#include <cstddef>
#include <optional>
#include <string_view>

namespace regolo::core {

/// An escape \uXXXX.
inline constexpr std::size_t unit_escape_size = 6;

/// The code unit of the escape \uXXXX that begins at `at`, if one does.
std::optional<unsigned> escaped_unit(std::string_view json, std::size_t at) noexcept;

constexpr bool is_high_surrogate(unsigned unit) noexcept { return unit >= 0xD800 && unit < 0xDC00; }
constexpr bool is_low_surrogate(unsigned unit) noexcept { return unit >= 0xDC00 && unit < 0xE000; }

/// Writes a code point as UTF-8, up to four bytes.
/// @returns  the end
char* write_code_point(char* out, char32_t code) noexcept;

/// How many characters in front need no second look: ASCII, and none that means something in a JSON string.
inline std::size_t plain_prefix(std::string_view json) noexcept
{
    return find_first(
        json, 0, [](const text_word& next) { return next.special_in_json(); },
        [](char c) {
            const auto byte = static_cast<unsigned char>(c);
            return byte >= 0x80 || byte < 0x20 || c == '"' || c == '\\';
        });
}

/// What stands between the quotation marks of a JSON string.
struct quoted_text
{
    std::size_t size = 0;
    bool has_escapes = false;
};

/// `find_quoted` where the first `plain` characters need no second look.
std::optional<quoted_text> find_quoted_behind(std::string_view json, std::size_t plain) noexcept;

/// The text in front of a string's closing quotation mark. Nothing where there is no such mark, and where the text is not as a
/// strict parser wants it: ill-formed UTF-8, control characters, unknown escapes, halves of surrogate pairs.
inline std::optional<quoted_text> find_quoted(std::string_view json) noexcept
{
    const auto plain = plain_prefix(json);
    if (plain != json.size() && json[plain] == '"')
        return quoted_text{plain, false};
    return find_quoted_behind(json, plain);
}

/// Writes a text that `find_quoted` has found, without its escapes. It takes no more room than with them.
/// @returns  the end
char* unescape(std::string_view quoted, char* out) noexcept;

}  // namespace regolo::core
