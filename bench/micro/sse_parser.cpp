// The SSE parser alone: events of a size, in pieces of a size, however the two lie to each other.

#include "micro/allocations.hpp"

#include <regolo/sse_parser.hpp>

#include <algorithm>
#include <string>
#include <string_view>

namespace regolo::bench {

namespace {

std::string stream_of(std::size_t event_size)
{
    constexpr std::size_t about = std::size_t{256} * 1024;
    static constexpr std::string_view begin = "data: ";
    static constexpr std::string_view end = "\n\n";
    const std::string event = std::string(begin) +
                              std::string(event_size - begin.size() - end.size(), 'x') +
                              std::string(end);
    std::string all;
    while (all.size() < about)
        all += event;
    return all;
}

std::size_t parse(sse_parser& parser, std::string_view bytes, std::size_t piece)
{
    std::size_t found = 0;
    while (!bytes.empty())
    {
        const auto next = bytes.substr(0, piece);
        bytes.remove_prefix(next.size());
        parser.push(next);
        while (const auto event = parser.pull())
            found += event->data.size();
    }
    return found;
}

void sse(benchmark::State& state)
{
    const auto event_size = static_cast<std::size_t>(state.range(0));
    const auto piece = static_cast<std::size_t>(state.range(1));
    const auto bytes = stream_of(event_size);
    const auto events = bytes.size() / event_size;
    sse_parser parser;
    if (parse(parser, bytes, piece) != events * (event_size - 8))
        state.SkipWithError("events are missing");
    {
        const allocation_counter counter(state, static_cast<double>(events));
        for (auto _ : state)
            benchmark::DoNotOptimize(parse(parser, bytes, piece));
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(bytes.size()) * state.iterations());
    state.SetItemsProcessed(static_cast<std::int64_t>(events) * state.iterations());
}

BENCHMARK(sse)
    ->ArgNames({"event", "piece"})
    ->ArgsProduct({{40, 235, 4096}, {8, 64, 256, 1400, 16384}});

}  // namespace

}  // namespace regolo::bench
