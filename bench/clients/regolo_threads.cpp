// Streams on several threads, a client each: what they cost beside those of one shows what the threads share.
//
//   regolo_bench_regolo_threads BASE_URL WORKLOAD REQUESTS THREADS     REQUESTS by each thread

#include "clients/regolo_setup.hpp"

#include <regolo.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <barrier>
#include <cstdlib>
#include <thread>
#include <vector>

namespace regolo::bench {

namespace {

namespace asio = boost::asio;

asio::awaitable<void> read(const client& from, long requests, counts& so_far)
{
    chat_chunk chunk;
    for (; requests > 0; --requests)
    {
        auto stream = co_await from.stream_chat({"bench", "hello"});
        while (co_await stream.next(chunk))
        {
            ++so_far.chunks;
            so_far.text_bytes += chunk.text().size();
        }
        ++so_far.requests;
    }
}

}  // namespace

}  // namespace regolo::bench

int main(int argc, char** argv)
{
    using namespace regolo::bench;
    return run_program([&] {
        const auto what = parse_target(argc, argv, {"REQUESTS", "THREADS"});
        const auto requests = std::atol(argv[3]);
        const auto count = std::atol(argv[4]);
        std::vector<counts> done(static_cast<std::size_t>(count));
        std::barrier together(count + 1);
        std::vector<std::jthread> threads;
        for (auto& mine : done)
        {
            threads.emplace_back([&] {
                // Not an exception: the others would wait.
                const auto status = run_program([&] {
                    boost::asio::io_context io(1);
                    const regolo::client client(io, config_for(what, 1));
                    counts first;
                    run_to_end(io, read(client, 1, first));
                    together.arrive_and_wait();
                    run_to_end(io, read(client, requests, mine));
                    together.arrive_and_wait();
                });
                if (status != EXIT_SUCCESS)
                    std::_Exit(status);
            });
        }
        together.arrive_and_wait();
        const meter time;
        together.arrive_and_wait();
        counts all;
        for (const auto& each : done)
        {
            all.requests += each.requests;
            all.chunks += each.chunks;
            all.text_bytes += each.text_bytes;
        }
        time.report(all);
    });
}
