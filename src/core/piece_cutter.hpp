#pragma once

#include <regolo/chat.hpp>
#include <regolo/stream_piece.hpp>

#include <cstddef>

namespace regolo::core {

/** Cuts a chunk into its pieces, one at a time: choice by choice in the order of the chunk, of each the reasoning, the
    content, the refusal, the tool calls and the finish reason; the usage at last. What is empty is no piece.

    @code
    if (read(cutter.refill()))
        cutter.start();
    while (cutter.pull(piece)) ...
    @endcode
*/
class piece_cutter
{
public:
    /// The chunk to be written anew. What was left of it is forgotten, and what is written is not looked at until `start`.
    chat_chunk& refill() noexcept;
    void start() noexcept { full_ = true; }

    /// Moves the next piece out of the chunk. False: none is left.
    bool pull(stream_piece& out);

private:
    /// The steps through a choice; a tool call after the other while there are any.
    enum class part : unsigned char
    {
        reasoning,
        content,
        refusal,
        tool_calls,
        function_call,
        finish,
        end,
    };

    bool pull_part(chunk_choice& choice, stream_piece& out);

    chat_chunk chunk_;
    std::size_t choice_ = 0;  // the position in the chunk
    std::size_t call_ = 0;    // of the next tool call
    part part_ = part::reasoning;
    bool full_ = false;  // the chunk has been written
};

/// Whether there is any piece in a chunk.
[[nodiscard]] bool has_pieces(const chat_chunk& chunk) noexcept;

}  // namespace regolo::core
