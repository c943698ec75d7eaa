#pragma once

#include <string>

namespace regolo::core {

/// The text of an answer that has none, for those who are given a reference.
inline const std::string no_text;

/// The choice of index 0, since servers send them in any order; null pointer: none.
template <class Chunk>
auto first_choice(const Chunk& chunk) noexcept -> decltype(&chunk.choices.front())
{
    for (const auto& choice : chunk.choices)
        if (choice.index == 0)
            return &choice;
    return nullptr;
}

/// The same of a whole answer, which has a choice in any case unless it has none; else its first one.
template <class Answer>
auto main_choice(const Answer& answer) noexcept -> decltype(&answer.choices.front())
{
    const auto* found = first_choice(answer);
    return found != nullptr || answer.choices.empty() ? found : &answer.choices.front();
}

}  // namespace regolo::core
