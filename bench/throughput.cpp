// CPU time (user and system) of this process per chunk of sequential streams and per static answer.
//
//   regolo_bench_throughput [streams]

#include <regolo.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <iostream>
#include <sys/resource.h>

namespace asio = boost::asio;

namespace {

double cpu_microseconds()
{
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
           static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

asio::awaitable<void> measure(long streams)
{
    auto config = regolo::client_config::from_environment();
    config.tls.dangerously_skip_verification = true;  // a throw-away server on this machine
    const regolo::client client(co_await asio::this_coro::executor, config);
    const regolo::chat_request question("sim-chat", "hello");
    const regolo::chat_request long_question("sim-chat", "count to 1000");
    static_cast<void>(co_await client.chat(question));  // the handshake is not what is measured

    auto since = cpu_microseconds();
    long chunks = 0;
    for (long i = 0; i < streams; ++i)
    {
        auto stream = co_await client.stream_chat(long_question);
        regolo::chat_chunk chunk;
        while (co_await stream.next(chunk))
            ++chunks;
    }
    std::cout << (cpu_microseconds() - since) / static_cast<double>(chunks) << " us per chunk ("
              << chunks << " chunks)\n";

    since = cpu_microseconds();
    const long answers = streams * 10;
    for (long i = 0; i < answers; ++i)
        static_cast<void>(co_await client.chat(question));
    std::cout << (cpu_microseconds() - since) / static_cast<double>(answers)
              << " us per static answer (" << answers << " answers)\n";
}

}  // namespace

int main(int argc, char** argv)
try
{
    asio::io_context context(1);
    asio::co_spawn(context, measure(argc > 1 ? std::atol(argv[1]) : 100),
                   [](const std::exception_ptr& failure) {
                       if (failure)
                           std::rethrow_exception(failure);
                   });
    context.run();
}
catch (const std::exception& e)
{
    std::cerr << "error: " << e.what() << '\n';
    return 1;
}
