#include "soak/task.hpp"

#include <charconv>

namespace regolo::soak {

namespace {

constexpr std::string_view opening = "soak-";

/// Takes a number and the dash before the next one.
bool take(std::string_view& text, std::uint64_t& value)
{
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc())
        return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (text.starts_with('-'))
        text.remove_prefix(1);
    return true;
}

}  // namespace

std::string task::mark() const
{
    return std::string(opening) + std::to_string(number) + '-' + std::to_string(pieces) + '-' +
           std::to_string(interval) + '-' + std::to_string(padding);
}

std::string task::piece(std::uint64_t index) const
{
    std::string text = std::to_string(number) + '.' + std::to_string(index);
    text.append(padding, '.');
    return text += ' ';
}

std::string task::whole() const
{
    std::string text;
    for (std::uint64_t i = 0; i != pieces; ++i)
        text += piece(i);
    return text;
}

std::optional<task> last_task_in(std::string_view text)
{
    const auto at = text.rfind(opening);
    if (at == text.npos)
        return std::nullopt;
    text.remove_prefix(at + opening.size());
    task found;
    if (!take(text, found.number) || !take(text, found.pieces) || !take(text, found.interval) ||
        !take(text, found.padding))
        return std::nullopt;
    return found;
}

std::uint64_t mix(std::uint64_t seed, std::uint64_t salt) noexcept
{
    // SplitMix64.
    std::uint64_t z = seed + (salt + 1) * 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

}  // namespace regolo::soak
