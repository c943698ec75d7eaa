// What an open stream costs in resident memory: the process's resident set when all of them have had their first chunk, less
// that after one warm-up call. The server must be slow enough for all to be open at once. Beside it, what of the heap is in
// use: the difference is what was needed only while they were opened, the more the more of them were at once.
//
//   regolo_bench_stream_memory [streams [opened at once]]

#include <regolo.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

namespace asio = boost::asio;

namespace {

std::size_t resident_bytes()
{
    std::size_t total = 0;
    std::size_t resident = 0;
    std::ifstream("/proc/self/statm") >> total >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::size_t heap_bytes() { return ::mallinfo2().uordblks; }

struct crowd
{
    std::size_t count = 0;
    std::size_t at_once = 0;
    std::size_t started = 0;
    std::size_t open = 0;
    std::size_t most = 0;
    std::size_t ended = 0;
    std::size_t resident = 0;  // when the last one had opened
    std::size_t heap = 0;
    std::function<void()> start_one;
    std::function<void()> stop;
};

asio::awaitable<void> read_one(const regolo::client& client, crowd& all)
{
    auto stream = co_await client.stream_chat({"sim-chat", "count to 30"});
    co_await stream.next();
    all.start_one();
    all.most = std::max(all.most, ++all.open);
    if (all.most == all.count && all.resident == 0)
    {
        all.resident = resident_bytes();
        all.heap = heap_bytes();
        all.stop();
    }
    while (co_await stream.next())
    {}
    --all.open;
}

// Runs that many streams at once and returns when all have ended.
void read_all(crowd& all)
{
    asio::io_context context(1);
    auto config = regolo::client_config::from_environment();
    config.tls.dangerously_skip_verification = true;  // a throw-away server on this machine
    config.pool.max_connections = all.count;
    const regolo::client client(context, config);
    all.stop = [&] { context.stop(); };
    all.start_one = [&] {
        if (all.started == all.count)
            return;
        ++all.started;
        asio::co_spawn(context, read_one(client, all), [&](const std::exception_ptr& failure) {
            if (failure)
                std::rethrow_exception(failure);
            if (++all.ended == all.count)
                client.close();
        });
    };
    for (std::size_t i = 0; i != all.at_once; ++i)
        all.start_one();
    context.run();
}

}  // namespace

int main(int argc, char** argv)
try
{
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);

    crowd warm;
    warm.count = warm.at_once = 1;
    read_all(warm);
    crowd all;
    all.count = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 2000;
    all.at_once = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : all.count;
    const auto before = resident_bytes();
    const auto heap_before = heap_bytes();
    read_all(all);
    if (all.most != all.count)
    {
        std::cerr << "only " << all.most << " were open at once: slow the server down (--pace)\n";
        return 1;
    }
    std::cout << all.count << " streams at once, " << (all.resident - before) / all.count / 1024
              << " KiB each, " << (all.heap - heap_before) / all.count / 1024
              << " KiB of it in use\n";
}
catch (const std::exception& e)
{
    std::cerr << "error: " << e.what() << '\n';
    return 1;
}
