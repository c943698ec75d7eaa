#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace regolo::core {

/** Eight characters of a text, searched at once. What it marks is the high bit of a byte. Of the marks the first is always
    right; those behind it may not be, as what a subtraction borrows goes upwards (hence `marks`). */
class text_word
{
public:
    static constexpr std::size_t size = sizeof(std::uint64_t);

    /// The first is the lowest byte only there.
    static constexpr bool is_supported = std::endian::native == std::endian::little;

    /// @par Preconditions  at + size <= text.size()
    text_word(std::string_view text, std::size_t at) noexcept
    {
        std::memcpy(&word_, text.data() + at, size);
    }

    /// Of characters, by the first of them.
    class marks
    {
    public:
        explicit marks(std::uint64_t bits) noexcept : bits_(bits) {}

        [[nodiscard]] bool any() const noexcept { return bits_ != 0; }
        /// @par Preconditions  any()
        [[nodiscard]] std::size_t first() const noexcept
        {
            return static_cast<std::size_t>(std::countr_zero(bits_)) / 8;
        }
        friend marks operator|(marks a, marks b) noexcept { return marks(a.bits_ | b.bits_); }

    private:
        std::uint64_t bits_;
    };

    [[nodiscard]] marks equal_to(char c) const noexcept
    {
        return below(word_ ^ (ones * static_cast<unsigned char>(c)), 1);
    }
    /// Bytes less than that.
    /// @par Preconditions  bound <= 0x80
    [[nodiscard]] marks less_than(unsigned char bound) const noexcept
    {
        return below(word_, bound);
    }
    [[nodiscard]] marks beyond_ascii() const noexcept { return marks(word_ & high_bits); }
    /// All that is not plain in a JSON string, in fewer steps than one by one: where bytes beyond ASCII are marked anyway, it
    /// does no harm that a subtraction marks them, too.
    [[nodiscard]] marks special_in_json() const noexcept
    {
        const auto quotes = (word_ ^ ones * '"') - ones;
        const auto backslashes = (word_ ^ ones * '\\') - ones;
        const auto controls = word_ - ones * 0x20;
        return marks((word_ | quotes | backslashes | controls) & high_bits);
    }

private:
    static constexpr std::uint64_t ones = 0x0101010101010101U;
    static constexpr std::uint64_t high_bits = ones << 7;

    static marks below(std::uint64_t word, unsigned char bound) noexcept
    {
        return marks((word - ones * bound) & ~word & high_bits);
    }

    std::uint64_t word_ = 0;
};

/** The first character from `at` on that is looked for, or the size of the text.

    @param mark       marks those of a `text_word`
    @param is_marked  the same for a single character
*/
template <class Mark, class Test>
std::size_t find_first(std::string_view text, std::size_t at, Mark mark, Test is_marked) noexcept
{
    for (; text_word::is_supported && text.size() - at >= text_word::size; at += text_word::size)
    {
        const auto found = mark(text_word(text, at));
        if (found.any())
            return at + found.first();
    }
    while (at != text.size() && !is_marked(text[at]))
        ++at;
    return at;
}

}  // namespace regolo::core
