#include "core/chunk_template.hpp"

#include "core/chunk_decoder.hpp"
#include "core/fast_paths.hpp"
#include "core/http_message.hpp"
#include "core/stream_decoder.hpp"
#include "stream_state.hpp"

#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace regolo::test {
namespace {

namespace json = boost::json;

const std::string content_event =
    R"({"id":"chatcmpl-1","created":7,"model":"m","object":"chat.completion.chunk","choices":)"
    R"([{"index":0,"delta":{"content":"TEXT"},"finish_reason":null,"logprobs":null}]})";

/// Events that have every member that a text of a delta can be near to.
const std::vector<std::string> chat_events{
    content_event,
    R"({"choices":[{"index":0,"delta":{"role":"assistant","content":"TEXT"},"finish_reason":"TEXT"}]})",
    R"({"choices":[{"delta":{"reasoning_content":"TEXT"}}],"usage":{"total_tokens":3},"odd":{"a":["TEXT"]}})",
    R"({"choices":[{"delta":{"reasoning_content":"TEXT","reasoning":"same"}}]})",
    R"({"choices":[{"delta":{"reasoning_content":"same","reasoning":"TEXT"}}]})",
    R"({"choices":[{"delta":{"reasoning":"TEXT"}}]})",
    R"({"choices":[{"delta":{"content":"a","reasoning":"TEXT"}},{"index":1,"delta":{"content":"TEXT"}}]})",
    R"({"choices":[{"delta":{"refusal":"TEXT"},"stop_reason":"TEXT"}],"service_tier":"TEXT"})",
    R"({"id":"TEXT","object":"TEXT","model":"TEXT","system_fingerprint":"TEXT","choices":[]})",
    R"({"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"TEXT"}}]}}]})",
    R"({"choices":[{"delta":{"tool_calls":[{"index":0,"id":"TEXT","type":"TEXT","function":{"name":"TEXT","arguments":{"a":"TEXT"}}}]}}]})",
    R"({"choices":[{"delta":{"function_call":{"name":"f","arguments":"TEXT"}}}]})",
    R"({"choices":[{"delta":{"content":[{"type":"text","text":"TEXT"}]}}]})",
    R"({"choices":[{"delta":{"content":[{"type":"text","text":"TEXT"},{"type":"image_url","image_url":{"url":"x"}}]}}]})",
    R"({"choices":[{"delta":{"content":[{"type":"thinking","thinking":"TEXT"}]}}]})",
    R"({"choices":[{"delta":{"content":"first","content":"TEXT"}}]})",
    R"({"choices":[{"delta":{"content":"TEXT","content":"last"}}]})",
    R"({"choices":[{"delta":{"content":"TEXT"},"logprobs":{"content":[{"token":"TEXT","logprob":-1}]}}]})",
    R"({"choices":[{"delta":{"role":"TEXT","annotations":["TEXT"],"TEXT":"x"}}]})",
    R"({"error":{"message":"TEXT"},"choices":[{"delta":{"content":"a"}}]})",
    R"({"choices":[{"message":{"role":"assistant","content":"TEXT"},"finish_reason":"stop"}]})",
};

const std::vector<std::string> completion_events{
    R"({"id":"cmpl-1","object":"text_completion","model":"m","choices":[{"index":0,"text":"TEXT","finish_reason":null}]})",
    R"({"choices":[{"text":"TEXT","logprobs":{"tokens":["TEXT"]}},{"index":1,"text":"a"}]})",
};

/// What stands between the quotation marks, also what must not.
const std::vector<std::string> texts{
    "a",
    " the",
    "b",
    "",
    R"(\n)",
    R"(a\"b)",
    R"(\\)",
    "same",
    "c",
    "d",
    R"(\)",
    "a\"b",
    "a\nb",
    R"(\u00e8)",
    R"(\ud83d)",
    R"(\ude00)",
    R"(\ud83d)",
    "e",
    "f",
    R"(\x)",
    R"(\/)",
    R"(\b\f\r)",
    "\xC3\xA8",
    "\xC3",
    "\xFF",
    "g",
    "h",
    "last",
    "first",
    R"("},{")",
    R"(","x":")",
    "\x7F",
    R"(\u0000)",
    "stop",
    "reasoning",
    "~ the text of a delta ~",
    "\xF4\x8F\xA0\x80",
    "i",
    "j",
    std::string(1000, 'k'),
};

std::string with(std::string event, std::string_view text, std::size_t which)
{
    constexpr std::string_view place = "TEXT";
    std::size_t at = 0;
    for (std::size_t i = 0; (at = event.find(place, at)) != std::string::npos; ++i)
    {
        const auto by = i == which ? text : std::string_view("z");
        event.replace(at, place.size(), by);
        at += by.size();
    }
    return event;
}

/// Everything, also what JSON does not tell apart.
std::string all_of(const chat_chunk& chunk)
{
    auto text = json::serialize(to_json(chunk));
    for (const auto& choice : chunk.choices)
        for (const auto* part :
             {&choice.delta.content, &choice.delta.reasoning, &choice.delta.refusal})
            text += *part ? '1' : '0';
    return text;
}

std::string all_of(const completion_chunk& chunk) { return json::serialize(to_json(chunk)); }

template <class Chunk>
class both_ways
{
public:
    both_ways() : fast_(limits()), plain_(make_plain()) {}

    void check(const std::string& event)
    {
        Chunk fresh;
        const auto fast = fast_.decode(event, recycled_);
        const auto plain = plain_.decode(event, fresh);
        ASSERT_EQ(fast.has_value(), plain.has_value()) << event;
        if (!plain)
        {
            EXPECT_EQ(fast.error().message, plain.error().message) << event;
            return;
        }
        EXPECT_EQ(all_of(recycled_), all_of(fresh)) << event;
        fast_.commit();
        plain_.commit();
    }

private:
    static core::chunk_decoder<Chunk> make_plain()
    {
        core::fast_paths = false;
        struct restore
        {
            ~restore() { core::fast_paths = true; }
        };
        const restore after;
        return core::chunk_decoder<Chunk>(limits());
    }

    core::chunk_decoder<Chunk> fast_;
    core::chunk_decoder<Chunk> plain_;
    Chunk recycled_;
};

template <class Chunk>
void check_all(const std::vector<std::string>& events)
{
    for (const auto& event : events)
    {
        for (std::size_t which = 0; which != 4; ++which)
        {
            both_ways<Chunk> decoders;
            for (const auto& text : texts)
                decoders.check(with(event, text, which));
        }
    }
}

TEST(ChunkTemplate, GivesWhatThePlainWayGives) { check_all<chat_chunk>(chat_events); }

TEST(ChunkTemplate, GivesWhatThePlainWayGivesForCompletions)
{
    check_all<completion_chunk>(completion_events);
}

TEST(ChunkTemplate, GivesWhatThePlainWayGivesWhereStreamsAreMixed)
{
    both_ways<chat_chunk> decoders;
    for (const auto& text : texts)
        for (const auto& event : chat_events)
            decoders.check(with(event, text, 0));
}

TEST(ChunkTemplate, GivesWhatThePlainWayGivesForEachByteAtEachPlace)
{
    for (const std::size_t size : {1, 7, 8, 9, 17})
    {
        both_ways<chat_chunk> decoders;
        for (std::size_t at = 0; at != size; ++at)
        {
            for (int byte = 0; byte != 256; ++byte)
            {
                std::string text(size, 'a');
                text[at] = static_cast<char>(byte);
                decoders.check(with(content_event, text, 0));
            }
        }
    }
}

/// What a stream says, with and without the template.
std::string told(const std::string& body, bool is_fast)
{
    core::fast_paths = is_fast;
    core::stream_decoder<chat_chunk> decoder{limits()};
    core::fast_paths = true;
    core::response_head head;
    head.status = 200;
    head.headers.emplace_back("content-type", "text/event-stream");
    decoder.start(head);
    decoder.push(body);
    std::string all;
    detail::partial_answer<chat_chunk> answer;
    chat_chunk chunk;
    auto step = decoder.pull(chunk);
    for (bool ended = false; step == core::stream_step::chunk || !ended; step = decoder.pull(chunk))
    {
        if (step == core::stream_step::chunk)
        {
            answer.add(chunk, decoder.repeats());
            all += all_of(chunk) + '\n';
            continue;
        }
        decoder.end_of_body();
        ended = true;
    }
    all += std::to_string(static_cast<int>(decoder.ended_as())) + decoder.failure().message + ' ' +
           decoder.model() + ' ' + decoder.finish_reason() +
           json::serialize(to_json(answer.answer.response()));
    return decoder.last_usage() ? all + json::serialize(to_json(*decoder.last_usage())) : all;
}

/// Events that begin or end as the content's does, and what else they can be between.
std::vector<std::string> neighbours()
{
    auto events = chat_events;
    const auto changed = [&](std::string_view what, std::string_view by) {
        auto event = content_event;
        events.push_back(event.replace(event.find(what), what.size(), by));
    };
    changed(R"("finish_reason":null)", R"("finish_reason":"stop")");
    changed(R"("model":"m")", R"("model":"another")");
    changed(R"("logprobs":null}])", R"("logprobs":null}],"usage":{"total_tokens":5})");
    changed(R"("index":0)", R"("index":1)");
    changed("TEXT", R"(TEXT\ud83d)");
    changed(R"(null}]})", R"(null}]}x)");
    changed(R"("model":"m",)", "\"model\":\"m\",\ndata: ");
    changed(R"("model":"m",)", "\"model\":\"m\",\n");
    events.emplace_back("[DONE]");
    return events;
}

TEST(ChunkTemplate, GivesTheSameStreamAsThePlainWay)
{
    const auto events = neighbours();
    for (const auto& often : events)
    {
        for (const auto& once : events)
        {
            for (const std::string_view end : {"\n\n", "\r\n\r\n", "\n: comment\n\n", "\n\r\n"})
            {
                std::string body;
                const auto add = [&](std::string_view event, std::string_view text,
                                     std::string_view end_of_event) {
                    body.append("data: ").append(with(std::string(event), text, 0));
                    body += end_of_event;
                };
                for (const auto* text : {"a", "b", "c"})
                    add(often, text, "\n\n");
                add(once, "d", end);
                add(often, "e", "\n\n");
                add(often, "f", end);
                add(once, "g", "\n\n");
                for (const auto* text : {"h", "i"})
                    add(often, text, "\n\n");
                EXPECT_EQ(told(body, true), told(body, false)) << body;
            }
        }
    }
}

/// Reads the event the plain way if it has to be.
struct learner
{
    core::chunk_template<chat_chunk> known;
    chat_chunk chunk;

    bool knows(const std::string& event) { return known.read(event, chunk); }

    void see(const std::string& event)
    {
        const auto proposal = known.propose(event);
        if (proposal.empty())
            return;
        core::fast_paths = false;
        core::chunk_decoder<chat_chunk> plain{limits()};
        core::fast_paths = true;
        chat_chunk marked;
        if (plain.decode(proposal, marked))
            known.accept(std::move(marked));
    }
};

std::string content(std::string_view text) { return with(content_event, text, 0); }

TEST(ChunkTemplate, KnowsAnEventAfterTwoLikeIt)
{
    learner events;
    EXPECT_FALSE(events.knows(content("a")));
    events.see(content("a"));
    EXPECT_FALSE(events.knows(content("b")));
    events.see(content("b"));
    ASSERT_TRUE(events.knows(content(R"(tab\t)")));
    EXPECT_EQ(events.chunk.text(), "tab\t");
    EXPECT_EQ(events.chunk.id, "chatcmpl-1");
    EXPECT_EQ(events.chunk.created, 7);
}

TEST(ChunkTemplate, ReplacesWhatTheChunkHeld)
{
    learner events;
    events.see(content("a"));
    events.see(content("b"));
    events.chunk.id = "another";
    events.chunk.usage.emplace();
    events.chunk.extra["x"] = 1;
    events.chunk.choices.resize(3);
    events.chunk.choices[0].finish_reason = "stop";
    events.chunk.choices[0].delta.tool_calls.emplace_back();
    ASSERT_TRUE(events.knows(content("c")));
    learner fresh;
    fresh.see(content("a"));
    fresh.see(content("b"));
    ASSERT_TRUE(fresh.knows(content("c")));
    EXPECT_EQ(all_of(events.chunk), all_of(fresh.chunk));
    EXPECT_EQ(events.chunk.choices.size(), 1U);
}

TEST(ChunkTemplate, ReplacesEachMemberThatTheChunkHeld)
{
    const std::vector<std::function<void(chat_chunk&)>> changes{
        [](chat_chunk& held) { held.id = held.id.str().substr(1) + 'x'; },
        [](chat_chunk& held) { held.id.clear(); },
        [](chat_chunk& held) { held.object = "x"; },
        [](chat_chunk& held) { ++held.created; },
        [](chat_chunk& held) { held.model = "x"; },
        [](chat_chunk& held) { held.choices.clear(); },
        [](chat_chunk& held) { held.choices.emplace_back(); },
        [](chat_chunk& held) { held.usage.emplace(); },
        [](chat_chunk& held) { held.system_fingerprint = "x"; },
        [](chat_chunk& held) { held.service_tier = "x"; },
        [](chat_chunk& held) { held.extra["x"] = 1; },
        [](chat_chunk& held) { held.choices[0].index = 1; },
        [](chat_chunk& held) { held.choices[0].finish_reason = "x"; },
        [](chat_chunk& held) { held.choices[0].logprobs.emplace(); },
        [](chat_chunk& held) { held.choices[0].stop_reason = 1; },
        [](chat_chunk& held) { held.choices[0].extra["x"] = 1; },
        [](chat_chunk& held) { held.choices[0].delta.role = "x"; },
        [](chat_chunk& held) { held.choices[0].delta.content.reset(); },
        [](chat_chunk& held) { held.choices[0].delta.reasoning = ""; },
        [](chat_chunk& held) { held.choices[0].delta.refusal = "x"; },
        [](chat_chunk& held) { held.choices[0].delta.tool_calls.emplace_back(); },
        [](chat_chunk& held) { held.choices[0].delta.function_call.emplace(); },
        [](chat_chunk& held) { held.choices[0].delta.annotations.emplace_back(1); },
        [](chat_chunk& held) { held.choices[0].delta.extra["x"] = 1; },
    };
    learner events;
    events.see(content("a"));
    events.see(content("b"));
    ASSERT_TRUE(events.knows(content("c")));
    const auto untouched = all_of(events.chunk);
    for (std::size_t i = 0; i != changes.size(); ++i)
    {
        changes[i](events.chunk);
        ASSERT_NE(all_of(events.chunk), untouched) << i;
        ASSERT_TRUE(events.knows(content("c")));
        EXPECT_EQ(all_of(events.chunk), untouched) << i;
    }
}

TEST(ChunkTemplate, KeepsItsKnowledgeOverAnEventOfAnotherKind)
{
    learner events;
    events.see(content("a"));
    events.see(content("b"));
    events.see(R"({"choices":[],"usage":{"total_tokens":1}})");
    EXPECT_TRUE(events.knows(content("c")));
}

TEST(ChunkTemplate, ForgetsWhenAStreamBegins)
{
    learner events;
    events.see(content("a"));
    events.see(content("b"));
    events.known.reset();
    EXPECT_FALSE(events.knows(content("c")));
}

TEST(ChunkTemplate, LeavesLargeEventsAlone)
{
    learner events;
    events.see(content(std::string(9000, 'a')));
    events.see(content(std::string(9000, 'b')));
    EXPECT_FALSE(events.knows(content("c")));
}

/// Where each event has something else that is new, looking for what repeats must not double the work.
TEST(ChunkTemplate, LooksLessOftenWhereNothingRepeats)
{
    learner events;
    int looks = 0;
    for (int i = 0; i != 1000; ++i)
    {
        const auto number = std::to_string(i);
        const auto proposal =
            events.known.propose(R"({"choices":[{"delta":{"content":"t)" + number +
                                 R"("}}],"created":)" + number + R"(,"id":"x"})");
        looks += proposal.empty() ? 0 : 1;
    }
    EXPECT_GT(looks, 0);
    EXPECT_LT(looks, 30);
}

}  // namespace
}  // namespace regolo::test
