/* Accumulators that run out of memory: a chunk is added wholly or not at all. */

#include "core/completion_accumulator.hpp"
#include "core/transcript_decoder.hpp"
#include "faults/attempts.hpp"

#include <regolo/chat_accumulator.hpp>

#include <boost/json.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

namespace regolo::test {

namespace {

namespace json = boost::json;

/// JSON, with an X for each text that is longer than what a string holds in itself.
json::value read(std::string text)
{
    for (std::size_t at = 0; (at = text.find('X', at)) != std::string::npos;)
        text.replace(at, 1, std::string(100, 'x'));
    return json::parse(text);
}

template <class Chunk>
std::vector<Chunk> read_chunks(const std::vector<std::string>& texts)
{
    std::vector<Chunk> chunks;
    for (const auto& text : texts)
        chunks.push_back(from_json<Chunk>(read(text)).value());
    return chunks;
}

std::string look_at(const chat_accumulator& sum)
{
    return json::serialize(to_json(sum.response())) + std::string(sum.text()) +
           (sum.finished() ? "finished" : "");
}

template <class Accumulator>
std::string look_at(const Accumulator& sum)
{
    return json::serialize(to_json(sum.response())) + std::string(sum.text());
}

template <class Accumulator, class Chunk>
void add(attempts& tries, Accumulator& sum, const Chunk& chunk)
{
    const auto add_it = [&] {
        static_cast<void>(sum.add(chunk));
        return true;
    };
    tries.make(add_it, [&] { return look_at(sum); });
}

template <class Accumulator, class Chunk>
void expect_sum(const std::vector<Chunk>& chunks)
{
    expect_the_same([&](attempts& tries, std::string& all) {
        Accumulator sum;
        for (const auto& chunk : chunks)
        {
            add(tries, sum, chunk);
            all += look_at(sum) + '\n';
        }
        const auto taken = tries.make([&] { return sum.take(); }, [&] { return look_at(sum); });
        all += json::serialize(to_json(taken)) + look_at(sum);
    });
}

/// The sum of the chunks but for one.
template <class Accumulator, class Chunk>
std::string sum_without(const std::vector<Chunk>& chunks, std::size_t left_out)
{
    Accumulator sum;
    for (std::size_t i = 0; i != chunks.size(); ++i)
        if (i != left_out)
            static_cast<void>(sum.add(chunks[i]));
    return look_at(sum);
}

/// A chunk that could not be added leaves nothing behind, also not what is not seen at once.
template <class Accumulator, class Chunk>
void expect_no_trace(const std::vector<Chunk>& chunks)
{
    for (std::size_t failing = 0; failing != chunks.size(); ++failing)
    {
        SCOPED_TRACE("chunk " + std::to_string(failing));
        const auto right = sum_without<Accumulator>(chunks, failing);
        for (std::size_t nth = 1;; ++nth)
        {
            Accumulator sum;
            for (std::size_t i = 0; i != failing; ++i)
                static_cast<void>(sum.add(chunks[i]));
            failing_allocations::fail_at(nth);
            try
            {
                const failing_allocations inside;
                static_cast<void>(sum.add(chunks[failing]));
            }
            catch (const std::bad_alloc&)
            {}
            if (!failing_allocations::was_reached())
                break;
            for (std::size_t i = failing + 1; i != chunks.size(); ++i)
                static_cast<void>(sum.add(chunks[i]));
            ASSERT_EQ(look_at(sum), right) << "request for memory " << nth;
        }
    }
    failing_allocations::never();
}

std::vector<chat_chunk> chat_chunks()
{
    auto chunks = read_chunks<chat_chunk>({
        // a choice, one in front of it, and both again, the first one twice
        R"({"id":"X","model":"X","object":"X","created":7,"service_tier":"X","choices":[{"index":1,
            "delta":{"role":"Xassistant","content":"X","reasoning_content":"X","refusal":"X",
            "tool_calls":[{"index":0,"id":"X","function":{"name":"X"}}]}}]})",
        R"({"system_fingerprint":"X","choices":[{"index":1,"delta":{"content":"X"}},
            {"index":0,"delta":{"content":"X"},"logprobs":{"content":[{"token":"X","logprob":-1}],
            "y":["X"]}}]})",
        R"({"choices":[{"index":1,"delta":{"tool_calls":[
            {"index":0,"function":{"arguments":"X"}}]}}]})",
        R"({"system_fingerprint":"Xb","choices":[
            {"index":0,"delta":{"content":"X","x":{"y":{"z":"X","list":["X"]}}},"p":{"q":["X"]}},
            {"index":1,"delta":{"content":"X","reasoning_content":"X","refusal":"X"}},
            {"index":0,"delta":{"content":"X","x":{"y":{"z":"X","list":["X"],"more1":"X",
             "more2":"X","more3":{"r":"X"}},"more":"X"}},"p":{"q":["X"],"r":"X"}},
            {"index":0,"delta":{"x":{"y":{"z":"X","more3":{"r":"X","s":["X"]}},"id":"X"}}}]})",
        R"({"choices":[{"index":0,"delta":{"x":{"y":{"z":["X"],"list":"X"},"id":"Xb","more":null}},
            "logprobs":{"content":[{"token":"X","logprob":-1}],"refusal":[{"token":"X",
            "logprob":-2}],"y":["X"]}}],"x":{"y":["X"],"z":"X"}})",
        R"({"choices":[],"x":{"y":["Xb"],"z":{"a":"X"},"new":"X"}})",
        // tool calls
        R"({"choices":[{"index":0,"delta":{"tool_calls":[
            {"index":2,"id":"X2","type":"X","function":{"name":"X","arguments":"X"}},
            {"index":1,"id":"X1","type":"X","function":{"name":"X","arguments":"X","f":"X"}},
            {"index":2,"function":{"arguments":"X","f":{"g":"X"}},"e":"X"},
            {"index":2,"function":{"arguments":"X","f":{"g":"X","h":"X"}},"e":"X"}]}}]})",
        R"({"choices":[{"index":0,"delta":{"tool_calls":[
            {"index":0,"id":"X0","function":{"name":"X","arguments":"X"}},
            {"index":0,"id":"X00","function":{"name":"Xb","arguments":"X"}},
            {"index":1,"id":"X1","type":"Xb","function":{"arguments":"X","f":"X"}},
            {"function":{"name":"Xc","arguments":"{}"}},
            {"index":0,"id":"X0","function":{"arguments":"X"}}]}}]})",
        R"({"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"X"}},
            {"id":"X2","function":{"arguments":"X"}}]}}]})",
        R"({"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"X01","type":"X"}]}}]})",
        R"({"choices":[{"index":0,"delta":{"tool_calls":[{"function":{"arguments":"X"}},
            {"index":0,"function":{"arguments":"Xb"}}]}}]})",
        // the legacy form, annotations
        R"({"choices":[{"index":1,"delta":{"function_call":{"name":"X","arguments":"X","y":"X"},
            "annotations":[{"type":"X"}]}}]})",
        R"({"choices":[{"index":1,"delta":{"function_call":{"arguments":"X","y":"X"},
            "annotations":[{"type":"X"},"X"]}}]})",
        // content of an odd type, then in parts
        R"({"choices":[{"index":2,"delta":{"first":"X"}}]})",
        R"({"choices":[{"index":2,"delta":{"content":"X"}}]})",
        R"({"choices":[{"index":2,"delta":{"content":[{"type":"text","text":"X"},
            {"type":"image_url","image_url":{"url":"X"}},{"type":"text","text":"X"}]},"q":"X"}]})",
        R"({"choices":[{"index":2,"delta":{"content":"X","after":"X"}}]})",
        R"({"choices":[{"index":2,"delta":{"content":[{"type":"text","text":"X"},
            {"type":"image_url","image_url":{"url":"X"}}]}}]})",
        // the end
        R"({"service_tier":"Xb","choices":[{"index":0,"delta":{},"finish_reason":"X",
            "stop_reason":"X"},{"index":1,"delta":{},"finish_reason":"X"}],"usage":
            {"total_tokens":1,"x":"X"}})",
        R"({"choices":[{"index":0,"delta":{},"finish_reason":"Xb","stop_reason":"Xb"},
            {"index":2,"delta":{},"finish_reason":"X"}],"usage":{"total_tokens":2,"x":"Xb"}})",
    });
    // what only a program of its own can make, and is forgotten when parts come
    for (auto& chunk : chunks)
    {
        if (chunk.choices.empty() || !chunk.choices.front().delta.extra.contains("first"))
            continue;
        auto& extra = chunk.choices.front().delta.extra;
        extra["content"] = {{"odd", std::string(100, 'x')}};
        extra["last"] = std::string(100, 'x');
    }
    return chunks;
}

TEST(Accumulation, OfAChat)
{
    expect_sum<chat_accumulator>(chat_chunks());
    expect_no_trace<chat_accumulator>(chat_chunks());
}

TEST(Accumulation, OfAChunkThatIsRefused)
{
    expect_the_same([&](attempts& tries, std::string& all) {
        chat_accumulator sum(1);
        const auto chunks = chat_chunks();
        const auto refused = [&] { return sum.add(chunks.front()).error().message; };
        all = tries.make(refused, [&] { return look_at(sum); });
    });
}

TEST(Accumulation, OfACompletion)
{
    const auto chunks = read_chunks<completion_chunk>({
        R"({"id":"X","model":"X","object":"X","created":7,"choices":[{"index":1,"text":"X",
            "logprobs":{"tokens":["X"],"top":{"list":["X"]}}}]})",
        R"({"system_fingerprint":"X","choices":[{"index":0,"text":"X","x":"X"},
            {"index":1,"text":"X","logprobs":{"tokens":["X"],"top":{"list":["X"],"new":"X"}}}]})",
        R"({"system_fingerprint":"Xb","choices":[{"index":0,"text":"X","logprobs":["X"],"x":"Xb"},
            {"index":0,"text":"X","logprobs":["X"],"y":"X"}],"z":"X"})",
        R"({"choices":[{"index":0,"text":"","finish_reason":"X","stop_reason":"X",
            "logprobs":"X"}],"z":{"a":"X"},"usage":{"total_tokens":1,"x":"X"}})",
        R"({"choices":[{"index":0,"text":"","finish_reason":"Xb","stop_reason":"Xb"}],
            "usage":{"total_tokens":2,"x":"X"}})",
    });
    expect_sum<core::completion_accumulator>(chunks);
    expect_no_trace<core::completion_accumulator>(chunks);
}

TEST(Accumulation, OfATranscription)
{
    std::vector<transcript_chunk> chunks;
    for (const auto* text :
         {R"({"text":"X","language":"X","duration":1.5,"x":"X","words":[{"word":"X"}],
              "segments":[{"id":0,"text":"X","more":"X"}],"logprobs":["X"]})",
          R"({"text":"X","segments":[{"id":1,"text":"X"}],"x":{"y":"X"},"z":"X","zz":"X","words":[
              {"word":"X"},{"word":"X"}],"logprobs":["X"],"usage":{"total_tokens":1,"x":"X"}})",
          R"({"type":"transcript.text.segment","id":2,"text":"X"})",
          R"({"type":"transcript.text.done","text":"X","language":"Xb","segments":[{"id":0,
              "text":"X"}],"words":[{"word":"X"}],"logprobs":["X"],"duration":2,
              "usage":{"total_tokens":2,"x":"X"}})"})
    {
        auto& chunk = chunks.emplace_back();
        chunk.json = read(text).get_object();
        if (const auto* type = chunk.json.if_contains("type"))
            chunk.type = type->get_string().c_str();
        else
            chunk.delta = chunk.json.at("text").get_string().c_str();
    }
    expect_sum<core::transcript_accumulator>(chunks);
    expect_no_trace<core::transcript_accumulator>(chunks);
}

}  // namespace

}  // namespace regolo::test
