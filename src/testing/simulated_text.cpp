#include "testing/simulated_text.hpp"

#include <array>
#include <charconv>

namespace regolo::inline v0::testing {

namespace {

std::string percent_decoded(std::string_view text)
{
    std::string out;
    while (!text.empty())
    {
        unsigned code = 0;
        const bool is_coded =
            text.size() >= 3 && text[0] == '%' &&
            std::from_chars(text.data() + 1, text.data() + 3, code, 16).ptr == text.data() + 3;
        out += is_coded ? static_cast<char>(code) : text[0];
        text.remove_prefix(is_coded ? 3 : 1);
    }
    return out;
}

}  // namespace

std::uint64_t hash(std::string_view text, std::uint64_t seed)
{
    for (const char c : text)
        seed = (seed ^ static_cast<unsigned char>(c)) * 1099511628211U;
    return seed;
}

std::string hex(std::uint64_t value)
{
    std::array<char, 16> digits{};
    char* const begin = digits.data();
    const auto* const end = std::to_chars(begin, begin + digits.size(), value, 16).ptr;
    const auto used = static_cast<std::size_t>(end - begin);
    return std::string(digits.size() - used, '0').append(begin, used);
}

std::string base64(std::string_view bytes)
{
    static constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    unsigned buffer = 0;
    int bits = 0;
    for (const char byte : bytes)
    {
        buffer = (buffer << 8 | static_cast<unsigned char>(byte)) & 0xFFFF;
        for (bits += 8; bits >= 6; bits -= 6)
            text += digits[buffer >> (bits - 6) & 63];
    }
    if (bits != 0)
        text += digits[buffer << (6 - bits) & 63];
    while (text.size() % 4 != 0)
        text += '=';
    return text;
}

std::string query_value(std::string_view target, std::string_view name)
{
    auto at = target.find('?');
    while (at != std::string_view::npos)
    {
        target.remove_prefix(at + 1);
        at = target.find('&');
        const auto pair = target.substr(0, at);
        const auto equals = pair.find('=');
        if (percent_decoded(pair.substr(0, equals)) == name)
            return equals == std::string_view::npos ? std::string()
                                                    : percent_decoded(pair.substr(equals + 1));
    }
    return {};
}

}  // namespace regolo::inline v0::testing
