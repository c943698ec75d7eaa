// Streams the answer to a prompt, then prints how fast it came and what the pool did.

#include "common.hpp"

#include <chrono>
#include <iomanip>

namespace {

using clock_type = std::chrono::steady_clock;

double seconds(clock_type::duration time) { return std::chrono::duration<double>(time).count(); }

void print_pool(const regolo::client_stats& pool)
{
    std::cerr << "pool: " << pool.connections_opened << " opened, " << pool.connections_reused
              << " reused, " << pool.idle << " idle, " << pool.draining << " draining, "
              << pool.tls_resumed << " TLS sessions resumed; " << pool.attempts << " attempts, "
              << pool.retries << " retries\n";
}

asio::awaitable<void> demo(std::string prompt)
{
    regolo::client client(co_await asio::this_coro::executor);
    regolo::chat_request request(example_model(), prompt);

    const auto start = clock_type::now();
    auto first = start;
    long pieces = 0;
    std::optional<regolo::usage> usage;

    auto stream = co_await client.stream_chat(request);
    regolo::chat_chunk chunk;
    while (co_await stream.next(chunk))
    {
        if (!chunk.text().empty() || !chunk.reasoning().empty())
            if (pieces++ == 0)
                first = clock_type::now();
        std::cout << chunk.text() << std::flush;
        if (chunk.usage)
            usage = chunk.usage;
    }
    std::cout << std::endl;

    const double wait = seconds(first - start);
    const double rest = seconds(clock_type::now() - first);
    // The server's own count where it sends one; else one token per piece is a fair guess.
    const bool counted = usage && usage->completion_tokens;
    const double tokens = static_cast<double>(counted ? *usage->completion_tokens : pieces);
    std::cerr << std::fixed << std::setprecision(1) << "\ntime to first token: " << wait * 1e3
              << " ms\n"
              << std::setprecision(0) << tokens << (counted ? " tokens, " : " pieces, ")
              << std::setprecision(1) << (rest > 0 && tokens > 1 ? (tokens - 1) / rest : 0)
              << " per second\n";
    print_pool(client.stats());
}

}  // namespace

int main(int argc, char** argv)
{
    return run(demo(argc > 1 ? argv[1] : "Tell me something about Rome."));
}
