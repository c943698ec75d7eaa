#pragma once

#include <regolo/answer_doubts.hpp>
#include <regolo/chat.hpp>
#include <regolo/completion.hpp>
#include <regolo/error.hpp>

#include <optional>
#include <string_view>
#include <vector>

namespace regolo::core {

/// What makes an answer doubtful.
/// @param model  that answered
/// @param asked  the model asked for; empty where it is not known
[[nodiscard]] answer_doubts find_doubts(const std::vector<chat_choice>& choices,
                                        std::string_view model, std::string_view asked) noexcept;
[[nodiscard]] inline answer_doubts find_doubts(const chat_response& answer,
                                               std::string_view asked) noexcept
{
    return find_doubts(answer.choices, answer.model, asked);
}
[[nodiscard]] answer_doubts find_doubts(const completion_response& answer,
                                        std::string_view asked) noexcept;

/// Whether these are two names of one model.
[[nodiscard]] bool is_same_model(std::string_view asked, std::string_view served) noexcept;

/// The error of the first doubt that is refused; nothing where none is.
[[nodiscard]] std::optional<error_info> refuse_doubts(answer_doubts found, answer_doubts refused,
                                                      std::string_view asked,
                                                      std::string_view served);

/// Whether a chunk adds to what an answer says; a role, a finish reason and the usage do not.
[[nodiscard]] bool says_something(const chat_chunk& chunk) noexcept;
[[nodiscard]] bool says_something(const completion_chunk& chunk) noexcept;
/// Raw events and bytes are not looked into.
template <class Chunk>
[[nodiscard]] bool says_something(const Chunk& /*chunk*/) noexcept
{
    return true;
}

}  // namespace regolo::core
