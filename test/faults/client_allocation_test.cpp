/* What the client does when memory runs out, with one request after the other failing, in each kind of exchange over each
   transport: the exchange ends with its answer, with a documented error or with std::bad_alloc, or std::bad_alloc leaves run();
   the client goes on and nothing leaks. */

#include "client_state.hpp"
#include "faults/allocations.hpp"
#include "faults/stage.hpp"

#include <gtest/gtest.h>

#include <iostream>
#include <new>
#include <tuple>

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
        failing_allocations::fail_at(nth);
        on.start(kind, result);
        // What leaves run() may have taken the exchange with it.
        EXPECT_TRUE(on.run_until([&] { return result.is_done; }) || has_escaped) << "hangs";
        const bool has_failed = failing_allocations::was_reached();
        failing_allocations::never();
        if (result.is_done)
            judge(kind, result, has_failed);
        EXPECT_TRUE(on.settle()) << "something is left";
        EXPECT_EQ(on.run(kind).text, kind.right) << "the client is not usable any more";
        EXPECT_TRUE(on.settle());
        ++cases_;
        escaped_ += has_escaped;
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
    std::size_t escaped_ = 0;
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
    std::cout << "client: requests for memory that failed: " << cases_
              << ", out of run(): " << escaped_ << "\n";
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

}  // namespace

}  // namespace regolo::test
