#pragma once

namespace regolo::core {

/// The choice of index 0, since servers send them in any order; null pointer: none.
template <class Chunk>
auto first_choice(const Chunk& chunk) noexcept -> decltype(&chunk.choices.front())
{
    for (const auto& choice : chunk.choices)
        if (choice.index == 0)
            return &choice;
    return nullptr;
}

}  // namespace regolo::core
