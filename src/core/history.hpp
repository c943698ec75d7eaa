#pragma once

#include <regolo/message.hpp>

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace regolo::core {

/// A list of messages taken as a conversation.
using history = std::vector<chat_message>;

/// A message of the system or the developer, which tells the model what to do.
bool is_instruction(const chat_message& message) noexcept;

/// The ids of tool calls that have no result yet: those of the last message that calls tools.
std::vector<std::string> open_tool_calls(std::span<const chat_message> messages);

/// Where the last turn begins: at the last user message, or at the end where there is none.
std::size_t begin_of_last_turn(const history& messages);

/** Leaves whole turns out from the oldest on, until the rest is within the budget. System and developer messages stay, and
    so does the last turn (all of a history without a user); a turn goes with its tool calls and their results. */
void trim(history& messages, std::size_t budget,
          const std::function<std::size_t(const chat_message&)>& tokens_of);

/// About how many tokens a message takes: one for four bytes, and four for the message itself.
std::size_t estimate_tokens(const chat_message& message);

}  // namespace regolo::core
