#include "core/json_string.hpp"

#include "core/text.hpp"
#include "core/utf8.hpp"

#include <algorithm>

namespace regolo::core {

namespace {

/// The character that a backslash and this one stand for; 0 for those that take more to tell, and for none.
char unescaped(char c) noexcept
{
    switch (c)
    {
        case '"':
        case '\\':
        case '/':
            return c;
        case 'n':
            return '\n';
        case 't':
            return '\t';
        case 'r':
            return '\r';
        case 'b':
            return '\b';
        case 'f':
            return '\f';
        default:
            return 0;
    }
}

/// The character of one escape \uXXXX, or of two that are a pair.
struct numbered
{
    char32_t code = 0;
    std::size_t size = 0;
};

/// Nothing for a half alone.
std::optional<numbered> numbered_at(std::string_view json, std::size_t at) noexcept
{
    const auto unit = escaped_unit(json, at);
    if (!unit || is_low_surrogate(*unit))
        return std::nullopt;
    if (!is_high_surrogate(*unit))
        return numbered{*unit, unit_escape_size};
    const auto low = escaped_unit(json, at + unit_escape_size);
    if (!low || !is_low_surrogate(*low))
        return std::nullopt;
    return numbered{0x10000 + ((*unit - 0xD800) << 10) + (*low - 0xDC00), 2 * unit_escape_size};
}

/// Of the escape that begins at `at`; 0 where it is none.
std::size_t escape_size(std::string_view json, std::size_t at) noexcept
{
    if (at + 1 != json.size() && unescaped(json[at + 1]) != 0)
        return 2;
    const auto escape = numbered_at(json, at);
    return escape ? escape->size : 0;
}

}  // namespace

std::optional<unsigned> escaped_unit(std::string_view json, std::size_t at) noexcept
{
    if (json.size() < at + unit_escape_size || json[at] != '\\' || json[at + 1] != 'u')
        return std::nullopt;
    unsigned unit = 0;
    for (std::size_t i = at + 2; i < at + unit_escape_size; ++i)
    {
        const auto digit = hex_digit(json[i]);
        if (!digit)
            return std::nullopt;
        unit = unit << 4 | *digit;
    }
    return unit;
}

char* write_code_point(char* out, char32_t code) noexcept
{
    const auto put = [&out](char32_t byte) { *out++ = static_cast<char>(byte); };
    const auto put_rest = [&](unsigned shift) { put(0x80 | (code >> shift & 0x3F)); };
    if (code < 0x80)
    {
        put(code);
    }
    else if (code < 0x800)
    {
        put(0xC0 | code >> 6);
        put_rest(0);
    }
    else if (code < 0x10000)
    {
        put(0xE0 | code >> 12);
        put_rest(6);
        put_rest(0);
    }
    else
    {
        put(0xF0 | code >> 18);
        put_rest(12);
        put_rest(6);
        put_rest(0);
    }
    return out;
}

std::optional<quoted_text> find_quoted_behind(std::string_view json, std::size_t plain) noexcept
{
    bool is_ascii = true;
    bool has_escapes = false;
    for (std::size_t i = plain; i < json.size();)
    {
        const auto c = static_cast<unsigned char>(json[i]);
        if (c == '"')
        {
            const bool is_valid = is_ascii || valid_utf8_prefix(json.substr(0, i)) == i;
            return is_valid ? std::optional(quoted_text{i, has_escapes}) : std::nullopt;
        }
        if (c < 0x20)
            return std::nullopt;
        is_ascii = is_ascii && c < 0x80;
        has_escapes = has_escapes || c == '\\';
        const auto taken = c == '\\' ? escape_size(json, i) : 1;
        if (taken == 0)
            return std::nullopt;
        i += taken;
    }
    return std::nullopt;
}

char* unescape(std::string_view quoted, char* out) noexcept
{
    for (std::size_t i = 0; i < quoted.size();)
    {
        const auto escape = std::min(quoted.find('\\', i), quoted.size());
        out = std::copy_n(quoted.data() + i, escape - i, out);
        i = escape;
        if (i == quoted.size())
            break;
        if (const char c = unescaped(quoted[i + 1]); c != 0)
        {
            *out++ = c;
            i += 2;
        }
        else if (const auto character = numbered_at(quoted, i))
        {
            out = write_code_point(out, character->code);
            i += character->size;
        }
    }
    return out;
}

}  // namespace regolo::core
