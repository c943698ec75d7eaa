#pragma once

#include <regolo/completion.hpp>

#include <string_view>

namespace regolo::core {

/// Turns the chunks of a streamed completion into the answer that a call without streaming gives, as `chat_accumulator`
/// does for chat. Linear in its input.
class completion_accumulator
{
public:
    /// @throws std::bad_alloc  and nothing of the chunk was added
    void add(const completion_chunk& chunk);

    /// The answer as far as it has arrived.
    [[nodiscard]] const completion_response& response() const noexcept { return answer_; }
    /// The same, moved out. The accumulator is empty afterwards.
    [[nodiscard]] completion_response take();
    /// The text of choice 0 so far, valid until the next change.
    [[nodiscard]] std::string_view text() const noexcept;

private:
    completion_response answer_;  // its choices are in the order of their index
};

}  // namespace regolo::core
