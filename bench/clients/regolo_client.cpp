// This library, as its README shows it.

#include "clients/regolo_setup.hpp"

#include <regolo.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace regolo::bench {

namespace {

namespace asio = boost::asio;

void count(const chat_chunk& chunk, counts& so_far)
{
    ++so_far.chunks;
    for (const auto& choice : chunk.choices)
    {
        so_far.text_bytes += choice.delta.content ? choice.delta.content->size() : 0;
        for (const auto& call : choice.delta.tool_calls)
            so_far.text_bytes += call.arguments.size();
    }
}

asio::awaitable<void> ask(const client& from, const job& what, counts& so_far)
{
    if (what.workload == "embeddings")
    {
        const auto answer = co_await from.embed({"bench", "hello"});
        for (const auto& one : answer.data)
            so_far.text_bytes += one.values.size() * sizeof(float);
    }
    else if (what.streams())
    {
        auto stream = co_await from.stream_chat({"bench", "hello"});
        chat_chunk chunk;
        while (co_await stream.next(chunk))
        {
            for (bool here = true; here; here = stream.try_next(chunk))
                count(chunk, so_far);
        }
    }
    else
    {
        const auto answer = co_await from.chat({"bench", "hello"});
        so_far.text_bytes += answer.text().size();
    }
    ++so_far.requests;
}

asio::awaitable<void> ask_on(const client& from, const job& what, long& left, counts& so_far)
{
    while (left > 0)
    {
        --left;
        co_await ask(from, what, so_far);
    }
}

void run(const job& what)
{
    asio::io_context io(1);
    const client with(io, config_for(what, static_cast<std::size_t>(what.concurrency)));
    measure(what, [&](long requests) {
        counts all;
        long callers = what.concurrency;
        for (long i = 0; i != what.concurrency; ++i)
            asio::co_spawn(io, ask_on(with, what, requests, all),
                           [&](const std::exception_ptr& failure) {
                               rethrow(failure);
                               if (--callers == 0)
                                   io.stop();  // idle connections are work, too
                           });
        io.run();
        io.restart();
        return all;
    });
}

}  // namespace

}  // namespace regolo::bench

int main(int argc, char** argv)
{
    using namespace regolo::bench;
    return run_job(argc, argv, run);
}
