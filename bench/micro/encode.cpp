// From a request to the bytes of its body.

#include "core/codec.hpp"
#include "micro/allocations.hpp"

#include <string>

namespace regolo::bench {

namespace {

chat_request conversation(int messages)
{
    chat_request request("Llama-3.3-70B-Instruct");
    for (int i = 0; i != messages; ++i)
        request.user(
            "A sentence of some length, with a \"quotation\" and an accent: caff\xC3\xA8.\n");
    request.temperature = 0.7;
    return request;
}

void encode(benchmark::State& state)
{
    const auto request = conversation(static_cast<int>(state.range(0)));
    std::size_t size = 0;
    {
        const allocation_counter counter(state);
        for (auto _ : state)
        {
            const auto body = core::encode(request, true, "");
            if (!body)
                return state.SkipWithError("no body");
            size = body->size();
        }
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(size) * state.iterations());
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK(encode)->ArgName("messages")->Arg(1)->Arg(10)->Arg(100);

}  // namespace

}  // namespace regolo::bench
