#include "core/piece_cutter.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace regolo::core {

namespace {

bool take_text(piece_kind kind, std::optional<std::string>& text, stream_piece& out)
{
    if (!text || text->empty())
        return false;
    out.kind = kind;
    out.text = std::move(*text);
    return true;
}

bool take_finish(std::string& reason, stream_piece& out)
{
    if (reason.empty())
        return false;
    out.kind = piece_kind::finish;
    out.text = std::move(reason);
    return true;
}

bool take_function_call(std::optional<function_call>& call, stream_piece& out)
{
    if (!call)
        return false;
    out.kind = piece_kind::tool_call;
    out.tool_call.type = "function";
    out.tool_call.name = std::move(call->name);
    out.tool_call.arguments = std::move(call->arguments);
    out.tool_call.function_extra = std::move(call->extra);
    return true;
}

}  // namespace

chat_chunk& piece_cutter::refill() noexcept
{
    choice_ = call_ = 0;
    part_ = part::reasoning;
    full_ = false;
    return chunk_;
}

bool piece_cutter::pull(stream_piece& out)
{
    if (!full_)
        return false;
    out = stream_piece();
    for (; choice_ < chunk_.choices.size(); ++choice_, call_ = 0, part_ = part::reasoning)
    {
        auto& choice = chunk_.choices[choice_];
        out.choice = choice.index;
        while (part_ != part::end)
        {
            if (pull_part(choice, out))
                return true;
        }
    }
    if (!chunk_.usage)
        return false;
    out.kind = piece_kind::usage;
    out.choice = 0;
    out.usage = std::move(*chunk_.usage);
    chunk_.usage.reset();
    return true;
}

/// Steps on, but stays with the tool calls while there are any.
bool piece_cutter::pull_part(chunk_choice& choice, stream_piece& out)
{
    const auto now = part_;
    if (now == part::tool_calls && call_ < choice.delta.tool_calls.size())
    {
        out.kind = piece_kind::tool_call;
        out.tool_call = std::move(choice.delta.tool_calls[call_++]);
        return true;
    }
    part_ = static_cast<part>(static_cast<unsigned char>(now) + 1);
    switch (now)
    {
        case part::reasoning:
            return take_text(piece_kind::reasoning, choice.delta.reasoning, out);
        case part::content:
            return take_text(piece_kind::content, choice.delta.content, out);
        case part::refusal:
            return take_text(piece_kind::refusal, choice.delta.refusal, out);
        case part::function_call:
            return take_function_call(choice.delta.function_call, out);
        case part::finish:
            return take_finish(choice.finish_reason, out);
        case part::tool_calls:
        case part::end:
            break;
    }
    return false;
}

bool has_pieces(const chat_chunk& chunk) noexcept
{
    const auto has_text = [](const std::optional<std::string>& text) {
        return text && !text->empty();
    };
    return chunk.usage ||
           std::any_of(chunk.choices.begin(), chunk.choices.end(), [&](const auto& choice) {
               const auto& delta = choice.delta;
               return has_text(delta.reasoning) || has_text(delta.content) ||
                      has_text(delta.refusal) || !delta.tool_calls.empty() || delta.function_call ||
                      !choice.finish_reason.empty();
           });
}

}  // namespace regolo::core
