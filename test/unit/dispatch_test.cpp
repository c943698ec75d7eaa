#include "net/dispatch.hpp"

#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/require.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/asio/thread_pool.hpp>

#include <gtest/gtest.h>

// What may run at once does, and only that: as asio::dispatch says, for each kind of executor.

namespace regolo::test {

namespace {

namespace asio = boost::asio;

class Dispatch : public ::testing::Test
{
protected:
    void run()
    {
        io_.poll();  // `run` would wait for as long as an executor is work
        io_.restart();
    }

    /// Whether the function ran before `dispatch` returned, from within a handler of `inside`.
    bool runs_at_once(const asio::any_io_executor& inside, const asio::any_io_executor& executor)
    {
        bool has_run = false;
        bool at_once = false;
        asio::post(inside, [&] {
            net::dispatch(executor, [&] { has_run = true; });
            at_once = has_run;
        });
        run();
        EXPECT_TRUE(has_run);
        return at_once;
    }

    asio::io_context io_{1};
    asio::any_io_executor plain_ = io_.get_executor();
    asio::any_io_executor strand_ = asio::make_strand(io_);
};

TEST_F(Dispatch, RunsAtOnceWhereThatIsAllowed)
{
    const asio::any_io_executor tracked =
        asio::prefer(plain_, asio::execution::outstanding_work.tracked);
    EXPECT_TRUE(runs_at_once(plain_, plain_));
    EXPECT_TRUE(runs_at_once(plain_, tracked));
    EXPECT_TRUE(runs_at_once(strand_, plain_));
    EXPECT_TRUE(runs_at_once(strand_, strand_));
}

TEST_F(Dispatch, AHandlerOfTheContextHasNoTurnOfAStrand)
{
    const asio::any_io_executor other = asio::make_strand(io_);
    for (const auto& inside : {plain_, other})
    {
        bool may_run = true;
        asio::post(inside, [&] { may_run = net::runs_here(strand_); });
        run();
        EXPECT_FALSE(may_run);
    }
}

TEST_F(Dispatch, WaitsForRunFromOutside)
{
    for (const auto& executor : {plain_, strand_})
    {
        bool has_run = false;
        net::dispatch(executor, [&] { has_run = true; });
        EXPECT_FALSE(has_run);
        run();
        EXPECT_TRUE(has_run);
    }
}

TEST_F(Dispatch, ObeysAnExecutorThatNeverRunsAtOnce)
{
    const asio::any_io_executor never =
        asio::require(io_.get_executor(), asio::execution::blocking.never);
    EXPECT_FALSE(runs_at_once(plain_, never));
}

TEST_F(Dispatch, LeavesExecutorsThatItDoesNotKnowToAsio)
{
    const asio::any_io_executor system = asio::system_executor();
    EXPECT_FALSE(net::runs_here(system));
    asio::thread_pool pool(1);
    bool has_run = false;
    net::dispatch(pool.get_executor(), [&] { has_run = true; });
    pool.join();
    EXPECT_TRUE(has_run);
}

}  // namespace

}  // namespace regolo::test
