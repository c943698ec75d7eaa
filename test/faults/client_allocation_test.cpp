/* What the client does when memory runs out, with one request after the other failing, in each kind of exchange over each
   transport: the exchange ends with its answer, with a documented error or with std::bad_alloc, at once; nothing leaves run(),
   the client goes on, and nothing leaks. */

#include "client_state.hpp"
#include "faults/allocations.hpp"
#include "faults/stage.hpp"

#include <regolo/background.hpp>
#include <regolo/testing/test_server.hpp>

#include <boost/asio/co_spawn.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <exception>
#include <iostream>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace regolo::test {

// Boost 1.81 crashes where there is no memory for a strand: its destructor reads what was not set yet. So there always is; the
// linker (--wrap) puts this before the client's own function.
asio::any_io_executor real_make_strand(const detail::client_state* self) asm(
    "__real__ZNK6regolo2v06detail12client_state11make_strandEv");
asio::any_io_executor make_strand(const detail::client_state* self) asm(
    "__wrap__ZNK6regolo2v06detail12client_state11make_strandEv");
asio::any_io_executor make_strand(const detail::client_state* self)
{
    const granted_allocations inside;
    return real_make_strand(self);
}

namespace {

/// More than any exchange asks for.
constexpr std::size_t too_many = 20000;

/// What the client does may run out of memory.
void poll_within(stage& on, bool& has_escaped)
{
    on.poll_client = [&] {
        const failing_allocations inside;
        try
        {
            return on.io.poll_one();
        }
        catch (const std::bad_alloc&)
        {
            has_escaped = true;
            return std::size_t{1};
        }
    };
}

class ClientAllocation : public ::testing::TestWithParam<std::tuple<transport, bool>>
{
protected:
    static transport how() { return std::get<0>(GetParam()); }
    static bool on_kept_connection() { return std::get<1>(GetParam()); }

    /// The exchange with the nth request for memory failing. False if it has fewer.
    bool fail(const exchange_kind& kind, std::size_t nth)
    {
        SCOPED_TRACE(std::string(kind.name) + ", request for memory " + std::to_string(nth));
        outcome result;  // outlives what writes to it
        stage on(how());
        on.server->answer_with(kind.answer);
        on.open(on.config());
        if (on_kept_connection())
        {
            on.run(kind);
            EXPECT_TRUE(on.settle());
        }
        bool has_escaped = false;
        poll_within(on, has_escaped);
        failing_allocations::fail_at(nth);
        const auto began = on.elapsed();
        on.start(kind, result);
        EXPECT_TRUE(on.run_until([&] { return result.is_done; })) << "hangs";
        const bool has_failed = failing_allocations::was_reached();
        failing_allocations::never();
        EXPECT_FALSE(has_escaped);
        EXPECT_LT(on.elapsed() - began, std::chrono::seconds(1)) << "a time limit had to end it";
        judge(kind, result, has_failed);
        EXPECT_TRUE(on.settle()) << "something is left";
        EXPECT_EQ(on.run(kind).text, kind.right) << "the client is not usable any more";
        EXPECT_TRUE(on.settle());
        ++cases_;
        return has_failed;
    }

    static void judge(const exchange_kind& kind, const outcome& result, bool has_failed)
    {
        if (result.other)
        {
            EXPECT_TRUE(has_failed);
            EXPECT_THROW(std::rethrow_exception(result.other), std::bad_alloc);
        }
        else if (result.failure)
        {
            EXPECT_TRUE(has_failed) << result.failure->message;
            EXPECT_FALSE(result.failure->message.empty());
        }
        else
        {
            EXPECT_EQ(result.text, kind.right);
        }
    }

    std::size_t cases_ = 0;
};

TEST_P(ClientAllocation, LeavesNothingBehind)
{
    // OpenSSL asks for memory a thousand times in a handshake.
    const std::size_t step = is_encrypted(how()) && !on_kept_connection() ? fault_stride() : 1;
    fail(exchange_kinds().front(), too_many);  // what OpenSSL, Asio and the test keep for ever
    for (const auto& kind : exchange_kinds())
    {
        fail(kind, 1);  // and the first exception
        const auto blocks = live_blocks();
        std::size_t nth = 1;
        for (; fail(kind, nth) && !HasFailure(); nth += step)
            ASSERT_LT(nth, too_many);
        EXPECT_EQ(live_blocks(), blocks) << kind.name << " leaks";
        ASSERT_FALSE(HasFailure());
        EXPECT_GT(nth, step);
    }
    std::cout << "client: requests for memory that failed: " << cases_ << "\n";
}

INSTANTIATE_TEST_SUITE_P(Faults, ClientAllocation,
                         ::testing::Combine(::testing::ValuesIn(all_transports), ::testing::Bool()),
                         [](const auto& chosen) {
                             return std::string(name_of(std::get<0>(chosen.param))) +
                                    (std::get<1>(chosen.param) ? "_kept" : "_new");
                         });

class ClientConstruction : public ::testing::TestWithParam<transport>
{};

// Nothing is left of a client that could not be made.
TEST_P(ClientConstruction, IsWholeOrNothing)
{
    const auto& kind = exchange_kinds().front();
    std::size_t blocks = 0;
    std::size_t nth = 0;
    for (bool has_failed = true; has_failed;)
    {
        if (++nth == 3)
            blocks = live_blocks();
        ASSERT_LT(nth, too_many);
        SCOPED_TRACE("request for memory " + std::to_string(nth));
        stage on(GetParam());
        on.server->answer_with(kind.answer);
        const auto config = on.config();
        failing_allocations::fail_at(nth);
        try
        {
            const failing_allocations inside;
            on.open(config);
        }
        catch (const std::bad_alloc&)
        {
            ASSERT_TRUE(failing_allocations::was_reached());
        }
        catch (const error& refused)
        {
            ASSERT_TRUE(failing_allocations::was_reached()) << refused.what();
        }
        has_failed = failing_allocations::was_reached();
        failing_allocations::never();
        if (!on.user)
            on.open(config);
        const auto result = on.run(kind);
        ASSERT_FALSE(result.failure) << result.failure->message;
        ASSERT_EQ(result.text, kind.right);
    }
    EXPECT_GT(nth, 3U);
    EXPECT_EQ(live_blocks(), blocks) << "leaks";
    std::cout << "client: requests for memory that failed: " << nth - 1 << "\n";
}

INSTANTIATE_TEST_SUITE_P(Faults, ClientConstruction, ::testing::ValuesIn(all_transports),
                         [](const auto& chosen) { return std::string(name_of(chosen.param)); });

/// @returns how many of the prompts have a result
asio::awaitable<std::size_t> ask_all(const client& from, std::size_t prompts)
{
    std::vector<chat_request> requests(prompts, chat_request("m", "hello"));
    auto answers = from.fan_out(std::move(requests));
    std::size_t results = 0;
    while (auto one = co_await answers.next())
    {
        EXPECT_TRUE(one->result || !describe(one->result.error()).empty());
        ++results;
    }
    co_return results;
}

// A call that runs out of memory is a result like any other. Where the run itself does, next() throws.
TEST(FanOutAllocation, EndsWithAllResultsOrThrows)
{
    constexpr std::size_t prompts = 5;
    std::size_t whole = 0;
    std::size_t nth = 0;
    for (bool has_failed = true; has_failed;)
    {
        ASSERT_LT(++nth, too_many);
        SCOPED_TRACE("request for memory " + std::to_string(nth));
        std::optional<std::size_t> results;
        std::exception_ptr thrown;
        stage on(transport::plain);
        on.server->answer_with(exchange_kinds().front().answer);
        on.open(on.config());
        bool has_escaped = false;
        poll_within(on, has_escaped);
        failing_allocations::fail_at(nth);
        asio::co_spawn(on.io, ask_all(*on.user, prompts),
                       [&](std::exception_ptr failure, std::size_t n) {
                           thrown = std::move(failure);
                           results = n;
                       });
        ASSERT_TRUE(on.run_until([&] { return results.has_value(); })) << "hangs";
        has_failed = failing_allocations::was_reached();
        failing_allocations::never();
        EXPECT_FALSE(has_escaped);
        if (!thrown)
            EXPECT_EQ(*results, prompts);
        else
            EXPECT_TRUE(has_failed);
        whole += thrown ? 0 : 1;
        EXPECT_TRUE(on.settle()) << "something is left";
        EXPECT_EQ(on.run(exchange_kinds().front()).text, exchange_kinds().front().right);
    }
    EXPECT_GT(whole, nth / 2);
    std::cout << "client: requests for memory that failed: " << nth - 1 << " , " << whole
              << " runs with all results\n";
}

/// From the start of a call on its thread runs out of memory.
class failing_observer final : public observer
{
public:
    void call_started(const call_event&) noexcept override { inside_.emplace(); }

private:
    std::optional<failing_allocations> inside_;  // for that thread
};

enum class told
{
    right,
    failed,
};

told answer_of(background& api)
{
    auto answer = api.chat({"sim-chat", "hello"});
    try
    {
        EXPECT_FALSE(answer.get().text().empty());
        return told::right;
    }
    catch (const std::exception&)
    {
        return told::failed;
    }
}

told stream_of(background& api)
{
    auto job = api.stream_chat({"sim-chat", "hello"});
    try
    {
        std::string text;
        while (const auto chunk = job.next())
            text += chunk->text();
        EXPECT_EQ(job.ended_as(), stream_end::done);
        EXPECT_FALSE(text.empty());
        return told::right;
    }
    catch (const std::exception&)
    {
        return told::failed;
    }
}

// Whoever waits on another thread is told; that thread goes on.
TEST(BackgroundAllocation, EndsNoThread)
{
    const testing::test_server server(testing::server_options::plain());
    for (const auto& job : {&answer_of, &stream_of})
    {
        std::size_t nth = 0;
        for (bool has_failed = true; has_failed;)
        {
            ASSERT_LT(++nth, too_many);
            SCOPED_TRACE("request for memory " + std::to_string(nth));
            client_config config(credential("test-key"));
            config.base_url = server.url();
            config.retry.max_retries = 0;
            config.observer = std::make_shared<failing_observer>();
            background api(config);
            failing_allocations::fail_at(nth);
            const auto first = job(api);
            has_failed = failing_allocations::was_reached();
            failing_allocations::never();
            EXPECT_TRUE(has_failed || first == told::right);
            EXPECT_EQ(job(api), told::right);
        }
        EXPECT_GT(nth, 10U);
        std::cout << "client: requests for memory that failed: " << nth - 1 << "\n";
    }
}

}  // namespace

}  // namespace regolo::test
