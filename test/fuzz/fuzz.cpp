#include "fuzz.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>

namespace regolo::fuzz {

void fail(std::string_view what)
{
    std::cerr << "fuzz: " << what << std::endl;
    std::abort();
}

void check_equal(std::string_view left, std::string_view right, std::string_view what)
{
    if (left == right)
        return;
    std::cerr << "--- one side\n" << left << "\n--- the other\n" << right << "\n---\n";
    fail(what);
}

std::uint8_t input::byte() noexcept
{
    if (rest_.empty())
        return 0;
    const auto taken = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return taken;
}

std::uint16_t input::word() noexcept
{
    const auto high = byte();
    return static_cast<std::uint16_t>(high << 8 | byte());
}

std::string_view input::until(char mark) noexcept
{
    const auto end = std::min(rest_.find(mark), rest_.size());
    const auto taken = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return taken;
}

std::string with_secret(std::string_view text)
{
    std::string out;
    for (const char c : text)
        c == '\x01' ? void(out += secret) : out.push_back(c);
    return out;
}

bool cutter::next(std::vector<char>& piece)
{
    if (rest_.empty())
        return false;
    auto size = rest_.size();
    if (state_ == bytewise)
    {
        size = 1;
    }
    else if (state_ != whole)
    {
        // short pieces mostly, where the states of a parser are; a long one now and then
        state_ = state_ * 1103515245U + 12345U;
        state_ |= 0x10000U;
        const auto number = state_ >> 17;
        size = std::min<std::size_t>(size, number % 16 == 0 ? number % 4096 + 1 : number % 9 + 1);
    }
    piece.assign(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(size));
    piece.shrink_to_fit();
    rest_.remove_prefix(size);
    return true;
}

std::vector<target>& targets()
{
    static std::vector<target> all;
    return all;
}

target::target(std::string_view called, void (*runs)(std::string_view)) : name(called), run(runs)
{
    targets().push_back(*this);
}

}  // namespace regolo::fuzz
