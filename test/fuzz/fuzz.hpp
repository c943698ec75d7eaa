#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace regolo::fuzz {

/// Ends the program: what the input showed is wrong.
[[noreturn]] void fail(std::string_view what);

inline void check(bool ok, std::string_view what)
{
    if (!ok)
        fail(what);
}

/// Fails with both sides shown.
void check_equal(std::string_view left, std::string_view right, std::string_view what);

/// The fuzzer's bytes: decisions off the front, the rest as it is. An input that is over decides 0.
class input
{
public:
    explicit input(std::string_view bytes) noexcept : rest_(bytes) {}

    std::uint8_t byte() noexcept;
    std::uint16_t word() noexcept;
    /// Less than `count`.
    std::size_t below(std::size_t count) noexcept { return byte() % count; }
    bool flag() noexcept { return (byte() & 1U) != 0; }
    /// Up to the next `mark`, which is taken off, too.
    std::string_view until(char mark) noexcept;
    std::string_view rest() const noexcept { return rest_; }
    bool empty() const noexcept { return rest_.empty(); }

private:
    std::string_view rest_;
};

/// Stands for a key or a password, which must not show anywhere.
inline constexpr std::string_view secret = "Zk7-fuzz-Qw3rTy9uIoP1aSdF";

/// With `secret` in the place of each byte 0x01: an input cannot come upon it by itself.
std::string with_secret(std::string_view text);

/** One way to cut bytes into pieces: a byte each, or sizes that follow from the seed.
    Each piece is a copy of its own length, so that a sanitizer sees a read beyond it or a view kept too long. */
class cutter
{
public:
    cutter(std::string_view bytes, std::uint16_t seed) noexcept : rest_(bytes), state_(seed) {}

    /// False at the end.
    bool next(std::vector<char>& piece);

private:
    std::string_view rest_;
    std::uint32_t state_;
};

/// Seeds of `cutter` with a meaning of their own.
inline constexpr std::uint16_t whole = 0xFFFF;
inline constexpr std::uint16_t bytewise = 0;

inline std::string_view view(const std::vector<char>& piece) noexcept
{
    return {piece.data(), piece.size()};
}

/// A target as its program finds it.
struct target
{
    std::string_view name;
    void (*run)(std::string_view bytes);

    target(std::string_view name, void (*run)(std::string_view bytes));
};

/// Those that are linked in.
std::vector<target>& targets();

}  // namespace regolo::fuzz
