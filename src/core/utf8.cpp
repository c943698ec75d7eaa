#include "core/utf8.hpp"

#include "core/text.hpp"
#include "core/text_word.hpp"

#include <array>
#include <cstdint>
#include <cstring>

namespace regolo::core {

namespace {

std::size_t ascii_prefix(std::string_view text) noexcept
{
    constexpr std::uint64_t high_bits = 0x8080808080808080U;
    const char* const first = text.data();
    std::size_t done = 0;
    for (; text.size() - done >= 32; done += 32)
    {
        std::array<std::uint64_t, 4> words;
        std::memcpy(words.data(), first + done, sizeof words);
        if (((words[0] | words[1] | words[2] | words[3]) & high_bits) != 0)
        {
            break;
        }
    }
    while (text.size() - done >= text_word::size && !text_word(text, done).beyond_ascii().any())
    {
        done += text_word::size;
    }
    // what is left, with some of what has been seen
    if (text.size() >= text_word::size && text.size() - done < text_word::size &&
        !text_word(text, text.size() - text_word::size).beyond_ascii().any())
    {
        return text.size();
    }
    while (done < text.size() && is_ascii(first[done]))
    {
        ++done;
    }
    return done;
}

struct sequence
{
    std::size_t size;  // bytes taken: at least one
    bool valid;
};

/// Looks at the sequence that a byte of 128 or above begins. An invalid one takes its maximal
/// subpart: the bytes that could still have become a character.
sequence next_sequence(std::string_view text) noexcept
{
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const unsigned lead = byte(0);
    if (lead < 0xC2 || lead > 0xF4)
    {
        return {1, false};
    }
    const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    // the second byte has a narrower range where the form would be overlong, a surrogate or too high
    const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    for (std::size_t at = 1; at < length; ++at)
    {
        if (at == text.size() || byte(at) < (at == 1 ? low : 0x80) ||
            byte(at) > (at == 1 ? high : 0xBF))
        {
            return {at, false};
        }
    }
    return {length, true};
}

void append_escape(std::string& out, unsigned code)
{
    constexpr std::string_view hex = "0123456789abcdef";
    switch (code)
    {
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            break;
    }
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4)
    {
        out += hex[(code >> shift) & 15U];
    }
}

/// The code point of a two- or three-byte character that must not reach a log line as it is, else 0.
unsigned hidden_character(std::string_view character) noexcept
{
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(character[at]); };
    if (character.size() == 2 && byte(0) == 0xC2 && byte(1) < 0xA0)
    {
        return byte(1);
    }
    if (character == "\xE2\x80\xA8" || character == "\xE2\x80\xA9")
    {
        return 0x2000U + (byte(2) & 0x3FU);
    }
    return 0;
}

}  // namespace

std::size_t valid_utf8_prefix(std::string_view text) noexcept
{
    std::size_t done = 0;
    for (;;)
    {
        done += ascii_prefix(text.substr(done));
        if (done == text.size())
        {
            return done;
        }
        const sequence next = next_sequence(text.substr(done));
        if (!next.valid)
        {
            return done;
        }
        done += next.size;
    }
}

void append_valid_utf8(std::string& out, std::string_view text)
{
    for (;;)
    {
        const std::size_t valid = valid_utf8_prefix(text);
        out += text.substr(0, valid);
        text.remove_prefix(valid);
        if (text.empty())
        {
            return;
        }
        out += replacement;
        text.remove_prefix(next_sequence(text).size);
    }
}

std::string printable(std::string_view text, std::size_t limit)
{
    std::string out;
    for (std::size_t count = 0; !text.empty(); ++count)
    {
        if (count == limit)
        {
            out += "...";
            break;
        }
        const sequence next = is_ascii(text[0]) ? sequence{1, true} : next_sequence(text);
        const std::string_view character = text.substr(0, next.size);
        text.remove_prefix(next.size);
        if (!next.valid)
        {
            out += replacement;
        }
        else if (is_control(character[0]))
        {
            append_escape(out, static_cast<unsigned char>(character[0]));
        }
        else if (const unsigned hidden = hidden_character(character); hidden != 0)
        {
            append_escape(out, hidden);
        }
        else
        {
            out += character;
        }
    }
    return out;
}

}  // namespace regolo::core
