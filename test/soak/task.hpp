#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace regolo::soak {

/** What a request asks the server for, and so what has to come back.

    Its mark, such as "soak-17-20-250-0", is a text in the request: the prompt, a field of a form, or the path.
*/
struct task
{
    std::uint64_t number = 0;
    std::uint64_t pieces = 1;
    std::uint64_t interval = 0;  // milliseconds between the pieces of a stream
    std::uint64_t padding = 0;   // bytes that make each piece longer

    [[nodiscard]] std::string mark() const;

    /// Tells which request it belongs to, and its place: a lost, doubled or foreign piece shows.
    [[nodiscard]] std::string piece(std::uint64_t index) const;
    [[nodiscard]] std::string whole() const;
};

/// The last one, since a conversation repeats what was said before.
[[nodiscard]] std::optional<task> last_task_in(std::string_view text);

/// A well-mixed number, so that chance follows from a seed and from what it is for.
[[nodiscard]] std::uint64_t mix(std::uint64_t seed, std::uint64_t salt) noexcept;

}  // namespace regolo::soak
