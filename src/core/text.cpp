#include "core/text.hpp"

#include <algorithm>
#include <utility>

namespace regolo::core {

std::string to_lower(std::string_view text)
{
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return to_lower(c); });
    return lower;
}

void append_percent_encoded(std::string& out, std::string_view text)
{
    constexpr std::string_view unreserved_marks = "-._~";
    constexpr std::string_view hex = "0123456789ABCDEF";
    for (const char c : text)
    {
        if (is_alpha(c) || is_digit(c) || unreserved_marks.find(c) != std::string_view::npos)
        {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out += '%';
        out += hex[byte >> 4];
        out += hex[byte & 15];
    }
}

error_info failure(errc code, std::string message)
{
    error_info info;
    info.code = code;
    info.message = std::move(message);
    return info;
}

}  // namespace regolo::core
