// From the data of an event to a chunk, and from chunks to an answer.

#include "core/chunk_decoder.hpp"

#include "micro/allocations.hpp"
#include "server/workloads.hpp"

#include <regolo/chat_accumulator.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace regolo::bench {

namespace {

using decoder = core::chunk_decoder<chat_chunk>;

constexpr int chunks = 1000;

std::string_view data_of(std::string_view event)
{
    event.remove_prefix(std::string_view("data: ").size());
    event.remove_suffix(std::string_view("\n\n").size());
    return event;
}

std::vector<std::string> text_stream()
{
    std::vector<std::string> all;
    for (const auto& event : chat_events(chunks))
        all.emplace_back(data_of(event));
    return all;
}

std::vector<std::string> argument_stream()
{
    const std::string begin =
        R"({"id":"chatcmpl-6f1c0b5a9d3e4f7f8a21c4d5e6f70819","created":1795360304,"model":"Llama-3.3-70B-Instruct",)"
        R"("object":"chat.completion.chunk","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,)";
    const std::string end = R"(}]},"finish_reason":null,"logprobs":null}]})";
    std::vector<std::string> all;
    all.push_back(begin +
                  R"("id":"call_1","type":"function","function":{"name":"store","arguments":""})" +
                  end);
    while (all.size() != chunks)
        all.push_back(begin + R"("function":{"arguments":"abcdefgh"})" + end);
    return all;
}

void decode_all(decoder& with, const std::vector<std::string>& events, chat_chunk& into,
                benchmark::State& state)
{
    for (const auto& event : events)
    {
        if (!with.decode(event, into))
            return state.SkipWithError("not a chunk");
        with.commit();
    }
}

void decode(benchmark::State& state, const std::vector<std::string>& events)
{
    decoder with{limits()};
    chat_chunk chunk;
    decode_all(with, events, chunk, state);
    {
        const allocation_counter counter(state, chunks);
        for (auto _ : state)
        {
            decode_all(with, events, chunk, state);
            with.reset();
        }
    }
    state.SetItemsProcessed(chunks * state.iterations());
}

void accumulate(benchmark::State& state, const std::vector<std::string>& events)
{
    decoder with{limits()};
    std::vector<chat_chunk> decoded(events.size());
    for (std::size_t i = 0; i != events.size(); ++i)
    {
        if (!with.decode(events[i], decoded[i]))
            return state.SkipWithError("not a chunk");
        with.commit();
    }
    {
        const allocation_counter counter(state, chunks);
        for (auto _ : state)
        {
            chat_accumulator sum;
            for (const auto& chunk : decoded)
            {
                if (!sum.add(chunk))
                    return state.SkipWithError("not added");
            }
            benchmark::DoNotOptimize(sum.take());
        }
    }
    state.SetItemsProcessed(chunks * state.iterations());
}

BENCHMARK_CAPTURE(decode, text, text_stream());
BENCHMARK_CAPTURE(decode, arguments, argument_stream());
BENCHMARK_CAPTURE(accumulate, text, text_stream());
BENCHMARK_CAPTURE(accumulate, arguments, argument_stream());

}  // namespace

}  // namespace regolo::bench
