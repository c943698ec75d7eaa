// Streams on several threads, a client each: what they cost beside those of one shows what the threads share.
//
//   regolo_bench_regolo_threads BASE_URL WORKLOAD REQUESTS THREADS     REQUESTS by each thread

#include "clients/regolo_setup.hpp"

#include <regolo.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <barrier>
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

counts run(asio::io_context& io, const client& from, long requests)
{
    counts done;
    asio::co_spawn(io, read(from, requests, done), [&](const std::exception_ptr& failure) {
        rethrow(failure);
        io.stop();
    });
    io.run();
    io.restart();
    return done;
}

}  // namespace

}  // namespace regolo::bench

int main(int argc, char** argv)
try
{
    using namespace regolo::bench;
    const auto what = parse_job(argc, argv);
    std::vector<counts> done(static_cast<std::size_t>(what.concurrency));
    std::barrier together(what.concurrency + 1);
    std::vector<std::jthread> threads;
    for (auto& mine : done)
    {
        threads.emplace_back([&] {
            try
            {
                boost::asio::io_context io(1);
                const regolo::client client(io, config_for(what, 1));
                run(io, client, 1);
                together.arrive_and_wait();
                mine = run(io, client, what.requests);
                together.arrive_and_wait();
            }
            catch (const std::exception& error)
            {
                std::cerr << "error: " << error.what() << std::endl;
                std::_Exit(EXIT_FAILURE);  // the others would wait
            }
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
    return EXIT_SUCCESS;
}
catch (const std::exception& error)
{
    std::cerr << "error: " << error.what() << '\n';
    return EXIT_FAILURE;
}
