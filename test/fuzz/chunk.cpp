// The decoders of streams: cut anywhere against whole, and what they call an answer against a literal reading.

#include "core/fast_paths.hpp"
#include "core/json_text.hpp"
#include "core/stream_decoder.hpp"
#include "core/transcript_decoder.hpp"
#include "fuzz.hpp"
#include "literal_answer.hpp"
#include "literal_sse.hpp"

#include <regolo/chat.hpp>
#include <regolo/completion.hpp>

#include <boost/json/serialize.hpp>

#include <array>

namespace regolo::fuzz {
namespace {

namespace json = boost::json;

std::string text_of(const server_event& event)
{
    return event.event + '|' + event.id + '|' + event.data;
}
template <class Chunk>
std::string text_of(const Chunk& chunk)
{
    return json::serialize(to_json(chunk));
}

/// Each choice and tool call has its place in an array of the program's, so that none is above the limit.
template <class Chunk>
void check_indices(const Chunk& chunk, const limits& bounds)
{
    const auto within = [&](std::int64_t index) {
        return index >= 0 && static_cast<std::uint64_t>(index) < bounds.index;
    };
    if constexpr (requires { chunk.choices; })
        for (const auto& choice : chunk.choices)
        {
            check(within(choice.index), "the index of a choice is above its limit");
            if constexpr (requires { choice.delta.tool_calls; })
                for (const auto& call : choice.delta.tool_calls)
                    check(within(call.index.value_or(0)), "that of a tool call is above its limit");
        }
}

struct outcome
{
    std::string text;  // all there is to compare
    bool success = false;
    stream_end how = stream_end::open;
    error_info failure;
    std::size_t largest = 0;  // data of a raw event
};

template <class Decoder, class Chunk>
void take_all(Decoder& decoder, Chunk& chunk, const limits& bounds, outcome& out,
              core::stream_step& step)
{
    while ((step = decoder.pull(chunk)) == core::stream_step::chunk)
    {
        out.text += "chunk " + text_of(chunk) + '\n';
        check_indices(chunk, bounds);
        if constexpr (std::is_same_v<Chunk, server_event>)
            out.largest = std::max(out.largest, chunk.data.size());
    }
}

template <class Chunk>
outcome decode(core::stream_decoder<Chunk>& decoder, const core::response_head& head,
               std::string_view body, const limits& bounds, std::uint16_t seed)
{
    outcome out;
    Chunk chunk;
    decoder.start(head);
    auto step = core::stream_step::need_more;
    cutter pieces(body, seed);
    std::vector<char> piece;
    while (step == core::stream_step::need_more && pieces.next(piece))
    {
        decoder.push(view(piece));
        take_all(decoder, chunk, bounds, out, step);
    }
    if (step == core::stream_step::need_more)
    {
        decoder.end_of_body();
        take_all(decoder, chunk, bounds, out, step);
    }
    check(step != core::stream_step::need_more, "more is needed after the end of the body");
    check(decoder.pull(chunk) == step, "the end is told only once");
    out.success = step == core::stream_step::ended;
    out.how = decoder.ended_as();
    out.text += out.success ? "ended " : "failed ";
    out.text += std::to_string(static_cast<int>(out.how));
    out.text.append(" ").append(decoder.model()).append(" ").append(decoder.finish_reason());
    if (decoder.last_usage())
        out.text += json::serialize(to_json(*decoder.last_usage()));
    if (!out.success)
    {
        out.failure = decoder.failure();
        out.text += '\n' + json::serialize(to_json(out.failure));
    }
    return out;
}

void check_outcome(const outcome& out)
{
    if (out.success)
    {
        check(out.how == stream_end::done || out.how == stream_end::finished,
              "success without an end");
        return;
    }
    check(out.how == stream_end::failed, "a failure that is none");
    check(out.failure.code.category() == error_category() &&
              to_string(static_cast<errc>(out.failure.code.value())) != "unknown",
          "a failure without a code of ours");
    check(!out.failure.message.empty(), "a failure without a message");
}

template <class Chunk>
void run_as(const core::response_head& head, std::string_view body, const limits& bounds,
            std::uint16_t seed)
{
    core::stream_decoder<Chunk> decoder(bounds);
    const auto all = decode(decoder, head, body, bounds, whole);
    check_outcome(all);
    // a byte that is no UTF-8 counts as one, and becomes the three of U+FFFD
    const auto size_of_byte = decode_literally(body) == body ? 1U : 3U;
    check(all.largest <= bounds.event * size_of_byte, "an event above the limit is let through");
    for (const auto way : {bytewise, seed})
    {
        const auto other = decode(decoder, head, body, bounds, way);
        check_equal(all.text, other.text, "cut otherwise, the stream is another one");
    }
    core::fast_paths = false;
    core::stream_decoder<Chunk> plain(bounds);
    core::fast_paths = true;
    check_equal(all.text, decode(plain, head, body, bounds, whole).text,
                "read the plain way, the stream is another one");
    if constexpr (std::is_same_v<Chunk, chat_chunk> || std::is_same_v<Chunk, completion_chunk>)
        if (all.success)
            check(may_be_whole(body), "success, though a literal reading finds no end");
}

void run(std::string_view bytes)
{
    static constexpr std::array<std::string_view, 4> types{"text/event-stream", "application/json",
                                                           "text/plain; charset=utf-8", ""};
    input in(bytes);
    const auto what = in.byte();
    const auto seed = in.word();
    const auto bound = in.byte();
    limits bounds;
    if (bound < 128)
    {
        bounds.event = bounds.body = std::size_t{bound} * 8;
        bounds.index = bound % 8;
        bounds.json_depth = bound % 16 + 1;
    }
    core::response_head head;
    head.status = 200;
    if (const auto type = types.at(what >> 2U & 3U); !type.empty())
        head.headers.emplace_back("content-type", type);
    switch (what & 3U)
    {
        case 0:
            return run_as<chat_chunk>(head, in.rest(), bounds, seed);
        case 1:
            return run_as<completion_chunk>(head, in.rest(), bounds, seed);
        case 2:
            return run_as<transcript_chunk>(head, in.rest(), bounds, seed);
        default:
            return run_as<server_event>(head, in.rest(), bounds, seed);
    }
}

const target registered("chunk", run);

}  // namespace
}  // namespace regolo::fuzz
