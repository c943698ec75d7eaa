// A connection is borrowed from the pool and given back, with so many others idle beside it.

#include "micro/allocations.hpp"
#include "net/connection_pool.hpp"
#include "net/deadline_timer.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace regolo::bench {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using net::connection_pool;

/// A peer that stays silent.
class quiet_stream final : public net::byte_stream
{
public:
    void async_read_some(asio::mutable_buffer, handler) override { std::abort(); }
    void async_write_some(asio::const_buffer, handler) override { std::abort(); }
    void async_wait_readable(wait_handler done) override { waits_ = std::move(done); }
    void cancel_wait() noexcept override
    {
        if (!waits_)
            return;
        const auto executor = waits_.get_executor();
        asio::post(executor, [done = std::exchange(waits_, {})]() mutable {
            done(asio::error::operation_aborted);
        });
    }
    silence peek() noexcept override { return silence::quiet; }
    std::optional<std::uint64_t> acknowledged() noexcept override { return std::nullopt; }
    bool has_part() noexcept override { return false; }
    void close() noexcept override { cancel_wait(); }

private:
    wait_handler waits_;
};

/// One that has carried an exchange.
std::shared_ptr<net::connection> make_connection(connection_pool& pool)
{
    static constexpr std::string_view answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    auto made = std::make_shared<net::connection>(std::make_unique<quiet_stream>(), 65536);
    made->id = pool.next_id();
    made->opened = std::chrono::steady_clock::now();
    made->aged_at = made->opened + std::chrono::hours(1);
    made->reader.start();
    std::copy(answer.begin(), answer.end(), made->reader.prepare().data);
    error_code ec;
    made->reader.commit(answer.size(), ec);
    return made;
}

asio::awaitable<void> borrow(benchmark::State& state, std::shared_ptr<connection_pool> pool)
{
    core::origin where;
    where.host = "localhost";
    where.port = 443;
    {
        std::vector<connection_pool::lease> all;
        for (std::int64_t i = 0; i != state.range(0); ++i)
        {
            all.push_back(pool->try_acquire(where, false));
            all.back().opened(make_connection(*pool));
        }
        for (auto& each : all)
            each.give_back(std::nullopt);
    }
    {
        const allocation_counter counter(state);
        for (auto _ : state)
        {
            auto taken = pool->try_acquire(where, false);
            taken.give_back(std::nullopt);
            co_await asio::post(asio::use_awaitable);  // the ended wait for the peer runs
        }
    }
    if (pool->figures().idle != static_cast<std::size_t>(state.range(0)))
        state.SkipWithError("connections were closed");
    state.SetItemsProcessed(state.iterations());
    pool->close();
}

void pool(benchmark::State& state)
{
    asio::io_context io(1);
    const auto timer =
        std::make_shared<net::deadline_timer>(net::make_system_clock(io.get_executor()));
    pool_options options;
    options.max_connections = options.max_idle = static_cast<std::size_t>(state.range(0));
    const auto pool = std::make_shared<connection_pool>(io.get_executor(), timer, options, nullptr);
    const auto strand = asio::make_strand(io.get_executor());
    asio::co_spawn(strand, borrow(state, pool), [](const std::exception_ptr& failure) {
        if (failure)
            std::rethrow_exception(failure);
    });
    io.run();
}

BENCHMARK(pool)->ArgName("idle")->Arg(1)->Arg(100)->Arg(10000);

}  // namespace

}  // namespace regolo::bench
