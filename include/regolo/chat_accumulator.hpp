#pragma once

#include <regolo/chat.hpp>

#include <memory>
#include <string>

namespace regolo::inline v0 {

namespace detail {
template <class Chunk>
struct partial_answer;
}

/** Turns the chunks of a streamed answer into the answer that a call without streaming gives.

    Text, reasoning, refusal and arguments are joined; tool calls are told apart by index, else by id, else
    the last one goes on; the last usage wins and a later null does not erase it; choices come out in the
    order of their index. The cost is linear in the input, whatever the size of the pieces.

    A call that throws `std::bad_alloc` has changed nothing, and can be made again.
*/
class REGOLO_EXPORT chat_accumulator
{
public:
    /// With the bound for choice and tool-call indices (`limits::index`).
    explicit chat_accumulator(std::size_t max_index = 128);
    ~chat_accumulator();
    chat_accumulator(chat_accumulator&&) noexcept;
    chat_accumulator& operator=(chat_accumulator&&) noexcept;

    /// Adds one chunk. Fails with `errc::bad_response` for an index out of bounds; the state is then unchanged.
    [[nodiscard]] result<void> add(const chat_chunk& chunk);

    /// A copy of the answer as far as it has arrived. Costs a copy of the whole text.
    [[nodiscard]] chat_response response() const;

    /// The same, moved out. The accumulator is empty afterwards.
    [[nodiscard]] chat_response take();

    /// The text of choice 0 so far. The view is valid until the next call of a member.
    [[nodiscard]] std::string_view text() const noexcept;

    /// What would be in doubt if the answer ended here; see `chat_response::doubts`.
    /// @param model_asked  empty where it is not known
    [[nodiscard]] answer_doubts doubts(std::string_view model_asked = {}) const noexcept;

    /// Every choice seen so far has its finish reason, and there is at least one.
    [[nodiscard]] bool finished() const noexcept;

private:
    friend detail::partial_answer<chat_chunk>;

    /// The text that the chunk makes longer, where that is all it does.
    [[nodiscard]] std::string* find_growing_text(const chat_chunk& chunk) noexcept;

    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace regolo::inline v0
