#include "support/wire.hpp"

#include <regolo/testing/run.hpp>

#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>

namespace asio = boost::asio;

namespace regolo::test {

using namespace regolo::testing;

namespace {

using namespace std::chrono_literals;

asio::awaitable<int> answer() { co_return 42; }

asio::awaitable<std::unique_ptr<int>> move_only() { co_return std::make_unique<int>(7); }

asio::awaitable<void> fail()
{
    throw std::invalid_argument("as told");
    co_return;
}

asio::awaitable<void> sleep_for(std::chrono::milliseconds length)
{
    asio::steady_timer timer(co_await asio::this_coro::executor, length);
    co_await timer.async_wait(asio::use_awaitable);
}

asio::awaitable<void> leave_work(std::chrono::milliseconds length)
{
    const auto timer =
        std::make_shared<asio::steady_timer>(co_await asio::this_coro::executor, length);
    timer->async_wait([timer](boost::system::error_code) {});
}

TEST(Run, ReturnsWhatTheOperationReturns)
{
    EXPECT_EQ(run(answer()), 42);
    EXPECT_EQ(*run(move_only()), 7);
    run(sleep_for(1ms));
}

TEST(Run, RethrowsWhatTheOperationThrows) { EXPECT_THROW(run(fail()), std::invalid_argument); }

TEST(Run, HasAWatchdog) { EXPECT_THROW(run(sleep_for(1h), 10ms), watchdog_expired); }

TEST(Run, FindsWorkLeft)
{
    run(leave_work(5ms));
    EXPECT_THROW(run(leave_work(1h)), work_left);
}

TEST(RunOn, LeavesOtherWorkAlone)
{
    asio::io_context io;
    bool has_run = false;
    run_on(io, leave_work(1h));
    EXPECT_EQ(run_on(io, answer()), 42);
    asio::post(io, [&] { has_run = true; });
    run_on(io, sleep_for(1ms));
    EXPECT_TRUE(has_run);
}

TEST(Wire, ReadsRecordings)
{
    const auto stream = read_recording("llama/chat_stream");
    EXPECT_EQ(stream.method, "POST");
    EXPECT_EQ(stream.target, "/v1/chat/completions");
    EXPECT_EQ(stream.body.front(), '{');
    EXPECT_EQ(stream.body.back(), '}');
    EXPECT_EQ(stream.answer.substr(0, 17), "HTTP/1.1 200 OK\r\n");
    EXPECT_EQ(read_recording("llama/models").method, "GET");
    const auto all = read_recordings();
    EXPECT_EQ(all.size(), 228U);  // as many as there are files
    for (const auto& each : all)
        EXPECT_EQ(each.answer.substr(0, 5), "HTTP/") << each.name;
    EXPECT_EQ(read_recordings("whisper").size(), 8U);
    EXPECT_THROW(static_cast<void>(read_recording("llama/no_such")), std::runtime_error);
}

std::string joined(const pieces& parts)
{
    std::string whole;
    for (const auto part : parts)
        whole += part;
    return whole;
}

TEST(Wire, CutsBytesInEveryWay)
{
    const std::string bytes = "abcdefgh";
    std::set<std::vector<std::string>> seen;
    for_each_split(bytes, [&](const pieces& parts) {
        EXPECT_EQ(joined(parts), bytes);
        seen.insert({parts.begin(), parts.end()});
    });
    EXPECT_EQ(seen.size(), 2U + 7U + 21U);
    std::size_t calls = 0;
    for_each_split(
        std::string(1000, 'x'), [&](const pieces&) { ++calls; }, 100);
    EXPECT_GE(calls, 1001U + 90U);
    EXPECT_LE(calls, 1001U + 100U);
    for_each_split("", [&](const pieces& parts) { EXPECT_EQ(joined(parts), ""); });
}

}  // namespace

}  // namespace regolo::test
