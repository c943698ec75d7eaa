#include "core/base64.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace regolo::core {

namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum : std::uint8_t
{
    padding = 64,
    space,
    invalid
};

constexpr auto meanings = [] {
    std::array<std::uint8_t, 256> table{};
    table.fill(invalid);
    for (std::size_t i = 0; i < alphabet.size(); ++i)
        table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
    table['-'] = 62;
    table['_'] = 63;
    table['='] = padding;
    for (const char blank : {' ', '\t', '\r', '\n'})
        table[static_cast<unsigned char>(blank)] = space;
    return table;
}();

}  // namespace

std::string encode_base64(std::string_view bytes)
{
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    const auto put = [&out](std::uint32_t group, int characters) {
        for (int i = 0; i < 4; ++i)
            out += i < characters ? alphabet[(group >> (18 - 6 * i)) & 63] : '=';
    };
    const auto byte = [&bytes](std::size_t at) {
        return std::uint32_t{static_cast<unsigned char>(bytes[at])};
    };
    std::size_t at = 0;
    for (; at + 3 <= bytes.size(); at += 3)
        put(byte(at) << 16 | byte(at + 1) << 8 | byte(at + 2), 4);
    if (bytes.size() - at == 2)
        put(byte(at) << 16 | byte(at + 1) << 8, 3);
    else if (bytes.size() - at == 1)
        put(byte(at) << 16, 2);
    return out;
}

std::optional<std::string> decode_base64(std::string_view text)
{
    std::string out;
    out.reserve(text.size() / 4 * 3 + 2);
    std::uint32_t bits = 0;
    std::size_t characters = 0;
    std::size_t pads = 0;
    for (const char each : text)
    {
        const auto meaning = meanings[static_cast<unsigned char>(each)];
        if (meaning == space)
            continue;
        if (meaning == invalid || (meaning != padding && pads != 0))
            return std::nullopt;
        if (meaning == padding)
        {
            ++pads;
            continue;
        }
        bits = bits << 6 | meaning;
        if (++characters % 4 != 1)
            out += static_cast<char>(bits >> (8 - characters % 4 * 2) % 8 & 0xFF);
    }
    // a single character is six bits of a byte, and padding fills up to four
    const auto rest = characters % 4;
    if (rest == 1 || (pads != 0 && (rest == 0 || pads != 4 - rest)))
        return std::nullopt;
    return out;
}

}  // namespace regolo::core
