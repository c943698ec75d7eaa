#pragma once

#include <regolo/chat.hpp>
#include <regolo/usage.hpp>

#include <cstdint>
#include <string>

namespace regolo::inline v0 {

/// What a `stream_piece` brings.
enum class piece_kind
{
    content,    ///< text of the answer
    reasoning,  ///< text of the reasoning
    refusal,    ///< text of a refusal
    tool_call,  ///< the beginning of a tool call, or more of its arguments
    finish,     ///< the choice has ended
    usage,      ///< the tokens used so far by the whole answer
};

/** One thing that a chunk of a chat stream tells, so that a program need not search the chunk's members.

    @code
    while (auto piece = co_await stream.next_piece())
        switch (piece->kind)
        {
            case regolo::piece_kind::content: ...
    @endcode
*/
struct stream_piece
{
    stream_piece() = default;

    piece_kind kind = piece_kind::content;
    /// The choice it belongs to; 0 for the usage, which is that of all choices.
    std::int64_t choice = 0;
    /// What content, reasoning or a refusal add, never empty; of a finish its reason: "stop", "length", ...
    std::string text;
    /// Its parts belong to the call of the same index in the same choice. The legacy `function_call` comes
    /// as one without index and id.
    tool_call_delta tool_call;
    regolo::usage usage;
};

}  // namespace regolo::inline v0
