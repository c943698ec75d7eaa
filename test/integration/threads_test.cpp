// Clients used from many threads. Meant for the thread sanitizer; REGOLO_TEST_SCALE=10 makes about ten thousand exchanges.

#include "integration/exchanges.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <future>
#include <iostream>
#include <memory>
#include <random>
#include <stop_token>
#include <thread>

namespace regolo::test {

namespace {

using namespace std::chrono_literals;

constexpr auto watchdog = 120s;

/// An io_context with threads that run it.
class runner
{
public:
    explicit runner(std::size_t threads) : guard_(io.get_executor())
    {
        for (std::size_t i = 0; i != threads; ++i)
            threads_.emplace_back([this] { io.run(); });
    }
    ~runner() { join(); }

    /// Lets what is under way end.
    void join()
    {
        guard_.reset();
        threads_.clear();
    }

    asio::io_context io;

private:
    asio::executor_work_guard<asio::io_context::executor_type> guard_;
    std::vector<std::jthread> threads_;
};

struct tally
{
    std::atomic<std::size_t> right{0};
    std::atomic<std::size_t> ended{0};  // by the error that the test provokes
    std::atomic<std::size_t> wrong{0};
};

/// One caller after another exchange, of every kind in turn.
asio::awaitable<void> exchange_many(const client& from, std::size_t count, std::size_t first,
                                    tally& sum)
{
    for (std::size_t i = 0; i != count; ++i)
    {
        const auto what = all_kinds[(first + i) % std::size(all_kinds)];
        const auto text = co_await try_await(exchange_of(what, from));
        ++(text && !text->empty() ? sum.right : sum.wrong);
        if (!text)
            ADD_FAILURE() << name_of(what) << ": " << text.error().message;
    }
}

/// Waits for all, with a watchdog that names what hangs.
void wait_for_all(std::vector<std::future<void>>& all)
{
    for (auto& each : all)
    {
        if (each.wait_for(watchdog) != std::future_status::ready)
        {
            // Nothing that the operations refer to may go away now.
            std::cerr << "an operation hangs" << std::endl;
            std::abort();
        }
        each.get();
    }
    all.clear();
}

class Threads : public ::testing::TestWithParam<bool>
{
protected:
    client_config config() const
    {
        auto made = config_for(server_);
        made.pool.max_connections = 16;
        return made;
    }
    void expect_gone()
    {
        EXPECT_TRUE(server_.wait_until([&] { return server_.counts().open == 0; }));
    }

    test_server server_{options_for(GetParam())};
};

INSTANTIATE_TEST_SUITE_P(Transports, Threads, ::testing::Bool(),
                         [](const auto& chosen) { return chosen.param ? "Tls" : "Plain"; });

TEST_P(Threads, OneClientOnEightThreadsOfOneContext)
{
    tally sum;
    const std::size_t each = 10 * scale();
    {
        runner eight(8);
        const client from(eight.io, config());
        std::vector<std::future<void>> all;
        for (std::size_t i = 0; i != 16; ++i)
        {
            all.push_back(asio::co_spawn(asio::make_strand(eight.io),
                                         exchange_many(from, each, i, sum), asio::use_future));
        }
        // Callers without a strand of their own as well: one coroutine never runs on two threads at once.
        for (std::size_t i = 0; i != 16; ++i)
        {
            all.push_back(
                asio::co_spawn(eight.io, exchange_many(from, each, i, sum), asio::use_future));
        }
        wait_for_all(all);
        EXPECT_EQ(from.stats().calls, 0U);
        from.close();
    }
    EXPECT_EQ(sum.right, 32 * each);
    EXPECT_EQ(sum.wrong, 0U);
    expect_gone();
}

TEST_P(Threads, FourContextsWithAClientEach)
{
    tally sum;
    const std::size_t each = 10 * scale();
    {
        std::vector<std::jthread> threads;
        for (std::size_t t = 0; t != 4; ++t)
        {
            threads.emplace_back([&, t] {
                asio::io_context io{1};
                const client from(io, config());
                std::size_t running = 4;
                for (std::size_t i = 0; i != 4; ++i)
                {
                    asio::co_spawn(io, exchange_many(from, each, t + i, sum),
                                   [&](std::exception_ptr failure) {
                                       EXPECT_FALSE(failure);
                                       if (--running == 0)
                                           from.close();
                                   });
                }
                io.run();
            });
        }
    }
    EXPECT_EQ(sum.right, 16 * each);
    EXPECT_EQ(sum.wrong, 0U);
    expect_gone();
}

TEST_P(Threads, ClientOnOneContextCalledFromAnother)
{
    tally sum;
    const std::size_t each = 10 * scale();
    {
        runner home(1);
        const client from(home.io, config());
        {
            runner abroad(2);
            std::vector<std::future<void>> all;
            for (std::size_t i = 0; i != 8; ++i)
            {
                all.push_back(asio::co_spawn(asio::make_strand(abroad.io),
                                             exchange_many(from, each, i, sum), asio::use_future));
            }
            wait_for_all(all);
        }
        from.close();
    }
    EXPECT_EQ(sum.right, 8 * each);
    EXPECT_EQ(sum.wrong, 0U);
    expect_gone();
}

TEST_P(Threads, OneClientFromEightContextsWithAThreadEach)
{
    tally sum;
    const std::size_t each = 10 * scale();
    {
        std::vector<std::unique_ptr<runner>> eight;
        for (std::size_t i = 0; i != 8; ++i)
            eight.push_back(std::make_unique<runner>(1));
        // It lives on one of them: there the hop falls away.
        const client from(eight.front()->io, config());
        std::vector<std::future<void>> all;
        for (std::size_t i = 0; i != 24; ++i)
            all.push_back(asio::co_spawn(eight[i % 8]->io, exchange_many(from, each, i, sum),
                                         asio::use_future));
        wait_for_all(all);
        EXPECT_EQ(from.stats().calls, 0U);
        from.close();
    }
    EXPECT_EQ(sum.right, 24 * each);
    EXPECT_EQ(sum.wrong, 0U);
    expect_gone();
}

// ---- ended from a foreign thread

asio::awaitable<void> stopped_exchange(const client& from, kind what, std::stop_token stop,
                                       tally& sum)
{
    call_options options;
    options.stop = std::move(stop);
    const auto text = co_await try_await(exchange_of(what, from, options));
    if (text)
        ++(text->empty() ? sum.wrong : sum.right);
    else if (text.error().code == asio::error::operation_aborted)
        ++sum.ended;
    else
    {
        ++sum.wrong;
        ADD_FAILURE() << text.error().message;
    }
}

TEST_P(Threads, StopFromAForeignThreadAtAnyMoment)
{
    tally sum;
    const std::size_t moments = 1000;
    {
        runner home(2);
        const client from(home.io, config());
        std::mt19937 random(7);
        std::uniform_int_distribution<int> spins(0, 3000);
        for (std::size_t i = 0; i != moments; ++i)
        {
            std::stop_source stop;
            auto done = asio::co_spawn(
                home.io,
                stopped_exchange(from, all_kinds[i % std::size(all_kinds)], stop.get_token(), sum),
                asio::use_future);
            // A random moment within the exchange, without a sleep; and often its beginning, since on a busy machine
            // the exchange may be over before this thread has its turn again.
            const auto until = std::chrono::steady_clock::now() +
                               std::chrono::microseconds(i % 4 == 0 ? 0 : spins(random));
            while (std::chrono::steady_clock::now() < until &&
                   done.wait_for(0s) != std::future_status::ready)
                std::this_thread::yield();
            stop.request_stop();
            ASSERT_EQ(done.wait_for(watchdog), std::future_status::ready) << "hangs";
            done.get();
        }
        EXPECT_EQ(from.stats().calls, 0U);
        auto last = asio::co_spawn(home.io, exchange_of(kind::chat, from), asio::use_future);
        EXPECT_EQ(last.get(), "1 2 3 4 5") << "the client is still usable";
        from.close();
    }
    EXPECT_EQ(sum.right + sum.ended, moments);
    EXPECT_GT(sum.ended, 0U);
    EXPECT_EQ(sum.wrong, 0U);
    expect_gone();
}

asio::awaitable<void> until_closed(const client& from, std::size_t first, tally& sum)
{
    for (std::size_t i = first;; ++i)
    {
        const auto text =
            co_await try_await(exchange_of(all_kinds[i % std::size(all_kinds)], from));
        if (text)
        {
            ++sum.right;
            continue;
        }
        ++(text.error().code == errc::client_closed ? sum.ended : sum.wrong);
        if (text.error().code != errc::client_closed)
            ADD_FAILURE() << text.error().message;
        co_return;
    }
}

TEST_P(Threads, CloseFromAForeignThreadEndsEverything)
{
    for (std::size_t round = 0; round != 5 * scale(); ++round)
    {
        tally sum;
        {
            runner home(2);
            const client from(home.io, config());
            std::vector<std::future<void>> all;
            for (std::size_t i = 0; i != 20; ++i)
                all.push_back(
                    asio::co_spawn(home.io, until_closed(from, i, sum), asio::use_future));
            while (sum.right < round * 3)
                std::this_thread::yield();
            from.close();
            wait_for_all(all);
            EXPECT_EQ(from.stats().calls, 0U);
        }
        EXPECT_EQ(sum.ended, 20U);
        EXPECT_EQ(sum.wrong, 0U);
        expect_gone();
    }
}

TEST_P(Threads, DrainFromAnotherContextLetsCallsFinish)
{
    for (std::size_t round = 0; round != 5 * scale(); ++round)
    {
        tally sum;
        {
            runner home(2);
            runner abroad(1);
            const client from(home.io, config());
            std::vector<std::future<void>> all;
            for (std::size_t i = 0; i != 10; ++i)
                all.push_back(
                    asio::co_spawn(home.io, until_closed(from, i, sum), asio::use_future));
            while (sum.right < round * 3)
                std::this_thread::yield();
            auto drained = asio::co_spawn(abroad.io, from.drain(60s), asio::use_future);
            wait_for_all(all);
            ASSERT_EQ(drained.wait_for(watchdog), std::future_status::ready);
            EXPECT_TRUE(drained.get()) << "all finished by themselves";
        }
        EXPECT_EQ(sum.ended, 10U);
        EXPECT_EQ(sum.wrong, 0U);
        expect_gone();
    }
}

TEST_P(Threads, DrainCancelsWhatIsNotDoneInTime)
{
    runner home(1);
    const client from(home.io, config());
    auto endless = asio::co_spawn(home.io,
                                  try_await(exchange_of(kind::chat, from,
                                                        [] {
                                                            call_options options;
                                                            options.headers.emplace_back(
                                                                "x-simulate", "stall");
                                                            return options;
                                                        }())),
                                  asio::use_future);
    ASSERT_TRUE(server_.wait_until([&] { return server_.counts().requests == 1; }));
    auto drained = asio::co_spawn(home.io, from.drain(20ms), asio::use_future);
    EXPECT_FALSE(drained.get());
    const auto outcome = endless.get();
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, errc::client_closed);
    expect_gone();
}

// ---- streams and their client going away

asio::awaitable<void> take_some(chat_stream stream, std::size_t count, tally& sum)
{
    while (count-- != 0)
    {
        const auto chunk = co_await try_await(stream.next_for(1ms));
        if (!chunk && chunk.error().code != errc::wait_timeout)
        {
            ++sum.wrong;
            ADD_FAILURE() << chunk.error().message;
            co_return;
        }
        if (chunk && !*chunk)
            break;
    }
    ++sum.right;
    // Dropped here, on the thread of its caller, perhaps with a read under way on another.
}

TEST_P(Threads, StreamsOutliveTheClientAndDropAnywhere)
{
    tally sum;
    constexpr std::size_t count = 60;
    {
        runner home(2);
        {
            runner abroad(2);
            std::vector<std::future<void>> all;
            {
                auto wide = config();
                wide.pool.max_connections = count;
                const client from(home.io, wide);
                std::vector<std::future<chat_stream>> opening;
                for (std::size_t i = 0; i != count; ++i)
                {
                    opening.push_back(asio::co_spawn(
                        abroad.io, from.stream_chat({"sim-endless", "go"}), asio::use_future));
                }
                for (auto& each : opening)
                {
                    auto stream = each.get();
                    all.push_back(asio::co_spawn(asio::make_strand(abroad.io),
                                                 take_some(std::move(stream), all.size(), sum),
                                                 asio::use_future));
                }
            }
            wait_for_all(all);
        }
    }
    EXPECT_EQ(sum.right, count);
    expect_gone();
}

asio::awaitable<void> read_to_end(chat_stream stream, std::atomic<std::size_t>& reading, tally& sum)
{
    ++reading;
    std::string text;
    for (;;)
    {
        const auto chunk = co_await try_await(stream.next());
        if (!chunk || !*chunk)
            break;
        text += (*chunk)->text();
    }
    ++(text.ends_with(" 200") && stream.ended_as() == stream_end::done ? sum.right : sum.wrong);
}

TEST_P(Threads, ClientsAreDestroyedWhileOthersReadTheirStreams)
{
    tally sum;
    const std::size_t rounds = 10 * scale();
    constexpr std::size_t streams = 4;
    {
        runner home(2);
        runner abroad(2);
        std::vector<std::future<void>> all;
        for (std::size_t round = 0; round != rounds; ++round)
        {
            auto from = std::make_unique<client>(home.io, config());
            std::atomic<std::size_t> reading{0};
            for (std::size_t i = 0; i != streams; ++i)
            {
                auto opening = asio::co_spawn(
                    home.io, from->stream_chat({std::string(chat_model), "count to 200"}),
                    asio::use_future);
                // Their callers on the client's own context, too.
                auto& where = i % 2 == 0 ? home.io : abroad.io;
                all.push_back(asio::co_spawn(asio::make_strand(where),
                                             read_to_end(opening.get(), reading, sum),
                                             asio::use_future));
            }
            while (reading != streams)
                std::this_thread::yield();
            // By this thread, which runs none of the contexts.
            from.reset();
        }
        wait_for_all(all);
    }
    EXPECT_EQ(sum.right, rounds * streams);
    EXPECT_EQ(sum.wrong, 0U);
    expect_gone();
}

TEST_P(Threads, DropAfterATimedOutWait)
{
    // The read goes on while the caller, on another thread, lets go of the stream.
    auto slow = options_for(GetParam());
    slow.simulation.pace = 2000;
    test_server server(slow);
    {
        runner home(1);
        const client from(home.io, config_for(server));
        asio::io_context abroad{1};
        for (std::size_t i = 0; i != 100 * scale(); ++i)
        {
            const auto wait_and_drop = [&from]() -> asio::awaitable<void> {
                auto stream = co_await from.stream_chat({"sim-endless", "go"});
                static_cast<void>(co_await stream.next());
                for (int waits = 0; waits != 3; ++waits)
                {
                    const auto chunk =
                        co_await try_await(stream.next_for(std::chrono::microseconds(1)));
                    if (!chunk)
                    {
                        EXPECT_EQ(chunk.error().code, errc::wait_timeout);
                    }
                }
            };
            auto done = asio::co_spawn(abroad, wait_and_drop(), asio::use_future);
            abroad.restart();
            abroad.run_for(watchdog);
            ASSERT_EQ(done.wait_for(0s), std::future_status::ready) << "hangs";
            done.get();
        }
        from.close();
    }
    EXPECT_TRUE(server.wait_until([&] { return server.counts().open == 0; }));
}

TEST_P(Threads, CallOnAStoppedContextFailsInsteadOfNever)
{
    runner abroad(1);
    asio::io_context home{1};
    const auto guard = asio::make_work_guard(home);
    const client from(home, config());
    call_options stalled;
    stalled.headers.emplace_back("x-simulate", "stall");
    auto waiting = asio::co_spawn(
        abroad.io, try_await(exchange_of(kind::chat, from, std::move(stalled))), asio::use_future);
    ASSERT_TRUE(run_until(home, [&] { return server_.counts().requests == 1; }));
    home.stop();
    auto late =
        asio::co_spawn(abroad.io, try_await(exchange_of(kind::chat, from)), asio::use_future);
    ASSERT_EQ(late.wait_for(watchdog), std::future_status::ready) << "hangs";
    const auto refused = late.get();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::context_stopped);
    // What was under way goes on when the context does.
    EXPECT_NE(waiting.wait_for(0s), std::future_status::ready);
    from.close();
    ASSERT_TRUE(run_until(home, [&] { return waiting.wait_for(0s) == std::future_status::ready; }));
    EXPECT_EQ(waiting.get().error().code, errc::client_closed);
    expect_gone();
}

}  // namespace

}  // namespace regolo::test
