#include "integration/client_fixture.hpp"

#include <regolo/fan_out.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <numeric>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace regolo::test {

namespace {

using result_type = fan_out_result<chat_request>;

chat_request numbered(std::size_t number)
{
    return chat_request("sim-chat").user("question " + std::to_string(number));
}

std::vector<chat_request> questions(std::size_t count)
{
    std::vector<chat_request> all;
    for (std::size_t i = 0; i < count; ++i)
        all.push_back(numbered(i));
    return all;
}

std::string text_of(const chat_request& request) { return request.messages.at(0).text(); }

template <class Request>
asio::awaitable<std::vector<fan_out_result<Request>>> take_all(fan_out_run<Request> answers)
{
    std::vector<fan_out_result<Request>> all;
    while (auto done = co_await answers.next())
        all.push_back(std::move(*done));
    co_return all;
}

asio::awaitable<void> timer_of(asio::any_io_executor executor, std::chrono::milliseconds length)
{
    asio::steady_timer timer(executor, length);
    co_await timer.async_wait(asio::use_awaitable);
}

class FanOut : public ::testing::Test
{
protected:
    /// Runs `start(client)`, a fan-out, to its end.
    template <class Start>
    auto run_all(Start start)
    {
        const auto body = [&]() {
            return [](client_config with, Start& begin)
                       -> asio::awaitable<std::vector<typename decltype(begin(
                           std::declval<const client&>()))::result_type>> {
                const client one(co_await asio::this_coro::executor, with);
                auto all = co_await take_all(begin(one));
                EXPECT_EQ(one.stats().calls, 0U);
                co_return all;
            }(config, start);
        };
        return run(body(), 60s);
    }

    /// An answer that gives its place at the server back.
    script answer_and_leave()
    {
        const auto body = answer_json("yes");
        auto whole = std::make_shared<std::string>(
            http_head(200, "content-type: application/json\r\ncontent-length: " +
                               std::to_string(body.size()) + "\r\n") +
            body);
        return script().stream([count = active, whole](std::string& piece) {
            if (whole->empty())
                return false;
            piece = std::exchange(*whole, {});
            --*count;
            return true;
        });
    }

    /// Answers each request after `delay` when no more than `places` are there at once, else with a 429.
    void limit_places(std::size_t places, std::chrono::nanoseconds delay,
                      const std::string& retry_after)
    {
        server.on_request([this, places, delay, retry_after](const received_request&) {
            if (*active >= places)
            {
                ++*refused;
                return script().respond(429, "application/json",
                                        R"({"error":{"message":"slow down","code":"429"}})",
                                        retry_after);
            }
            ++*active;
            most = std::max(most.load(), active->load());
            return script().pause(delay).then(answer_and_leave());
        });
    }

    test_server server{server_options::plain()};
    client_config config = config_for(server);
    std::shared_ptr<std::atomic<std::size_t>> active =
        std::make_shared<std::atomic<std::size_t>>(0);
    std::shared_ptr<std::atomic<std::size_t>> refused =
        std::make_shared<std::atomic<std::size_t>>(0);
    std::atomic<std::size_t> most{0};
};

/// Each request was answered once, and came back with its answer.
void expect_complete(const std::vector<result_type>& all, std::size_t count)
{
    std::set<std::size_t> seen;
    for (const auto& one : all)
    {
        EXPECT_TRUE(one.result) << describe(one.result.error());
        EXPECT_TRUE(seen.insert(one.index).second) << one.index;
        EXPECT_EQ(text_of(one.request), "question " + std::to_string(one.index));
        EXPECT_EQ(one.metadata().status, 200);
    }
    EXPECT_EQ(seen.size(), count);
}

// ---- sources

TEST_F(FanOut, TakesARange)
{
    const auto all = run_all([](const client& one) { return one.fan_out(questions(20)); });
    expect_complete(all, 20);
    EXPECT_EQ(server.counts().requests, 20U);
}

TEST_F(FanOut, CopiesARangeThatStays)
{
    const auto mine = questions(3);
    expect_complete(run_all([&](const client& one) { return one.fan_out(mine); }), 3);
    EXPECT_EQ(text_of(mine.at(0)), "question 0");
}

TEST_F(FanOut, TakesAView)
{
    auto mine = questions(5);
    expect_complete(run_all([&](const client& one) { return one.fan_out(std::span(mine)); }), 5);
    EXPECT_EQ(text_of(mine.at(4)), "question 4");
}

TEST_F(FanOut, TakesAnEmptyRange)
{
    EXPECT_TRUE(run_all([](const client& one) { return one.fan_out(questions(0)); }).empty());
}

TEST_F(FanOut, TakesAFunction)
{
    const auto all = run_all([](const client& one) {
        // Can be moved alone, as a file that is read.
        return one.fan_out(
            [number = std::make_unique<std::size_t>(0)]() -> std::optional<chat_request> {
                if (*number == 7)
                    return std::nullopt;
                return numbered((*number)++);
            },
            {.max_in_flight = 2});
    });
    expect_complete(all, 7);
}

/// Yields each request after a turn of the context.
class slow_generator
{
public:
    explicit slow_generator(std::size_t count) : count_(count) {}

    asio::awaitable<std::optional<chat_request>> next()
    {
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
        EXPECT_FALSE(std::exchange(busy_, true)) << "asked by two at once";
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
        busy_ = false;
        if (next_ == count_)
            co_return std::nullopt;
        co_return numbered(next_++);
    }

private:
    std::size_t count_;
    std::size_t next_ = 0;
    bool busy_ = false;
};

TEST_F(FanOut, TakesAGenerator)
{
    expect_complete(run_all([](const client& one) { return one.fan_out(slow_generator(9)); }), 9);
}

TEST_F(FanOut, TakesAFunctionThatWaits)
{
    const auto all = run_all([](const client& one) {
        auto generator = std::make_shared<slow_generator>(4);
        return one.fan_out([generator] { return generator->next(); });
    });
    expect_complete(all, 4);
}

TEST_F(FanOut, SendsWhateverAClientSends)
{
    const auto completions = run_all([](const client& one) {
        return one.fan_out(std::vector<completion_request>(3, {"sim-chat", "Once upon"}));
    });
    ASSERT_EQ(completions.size(), 3U);
    EXPECT_FALSE(completions[0].result->text().empty());
    const auto raw = run_all([](const client& one) {
        return one.fan_out(std::vector<api_request>(2, {"GET", "/v1/models"}));
    });
    ASSERT_EQ(raw.size(), 2U);
    EXPECT_TRUE(contains(raw[1].result->body, "sim-chat"));
}

TEST_F(FanOut, ASourceThatThrowsEndsTheRunAfterWhatIsInFlight)
{
    std::size_t taken = 0;
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        auto answers = one.fan_out([number = std::size_t(0)]() mutable {
            if (number == 5)
                throw std::runtime_error("the file is gone");
            return std::optional(numbered(number++));
        });
        while (auto done = co_await answers.next())
        {
            EXPECT_TRUE(done->result);
            ++taken;
        }
    };
    EXPECT_THROW(run(body()), std::runtime_error);
    EXPECT_EQ(taken, 5U);
}

// ---- order and bounds

TEST_F(FanOut, HandsOutInInputOrder)
{
    // The first of each four comes last.
    server.on_request([this](const received_request& request) {
        auto answer = script();
        if (request.body.find("0\"") != std::string::npos)
            answer.pause(20ms);
        return answer.then(server.simulated(request));
    });
    const auto all = run_all([](const client& one) {
        return one.fan_out(questions(40), {.max_in_flight = 8, .order = fan_out_order::input});
    });
    expect_complete(all, 40);
    EXPECT_TRUE(std::is_sorted(all.begin(), all.end(),
                               [](const auto& a, const auto& b) { return a.index < b.index; }));
}

TEST_F(FanOut, KeepsToMaxInFlight)
{
    // None of the first is answered before the last of them is there.
    gate full;
    server.on_request([this, full](const received_request&) mutable {
        ++*active;
        most = std::max(most.load(), active->load());
        if (*active == 7)
            full.open();
        return script().pause(full).then(answer_and_leave());
    });
    const auto all = run_all(
        [](const client& one) { return one.fan_out(questions(200), {.max_in_flight = 7}); });
    expect_complete(all, 200);
    EXPECT_EQ(most, 7U);
}

/// How many requests are pulled while nothing, or the head alone, is taken.
std::size_t pulled_at_rest(fan_out_order order, std::size_t in_flight, std::size_t buffered,
                           bool take_one, const client_config& config, std::function<bool()> rest)
{
    std::size_t pulled = 0;
    const auto body = [&]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        const client one(executor, config);
        const fan_out_options options{
            .max_in_flight = in_flight, .max_buffered = buffered, .order = order};
        auto answers = one.fan_out(
            [&]() -> std::optional<chat_request> { return numbered(pulled++); }, options);
        if (take_one)
            co_await answers.next();
        else
        {
            using namespace asio::experimental::awaitable_operators;
            asio::steady_timer patience(executor, 200ms);
            co_await (answers.next() || patience.async_wait(asio::use_awaitable));
        }
        while (!rest())
            co_await asio::post(executor, asio::use_awaitable);
        for (int turns = 0; turns < 1000; ++turns)
            co_await asio::post(executor, asio::use_awaitable);
    };
    run(body());
    return pulled;
}

TEST_F(FanOut, PullsNothingWhileNobodyTakes)
{
    for (const std::size_t buffered : {0U, 3U})
    {
        const auto before = server.counts().answered;
        const std::size_t expected = 4 + buffered + 1;  // and the one that was taken
        const auto rest = [&] { return server.counts().answered - before >= expected; };
        EXPECT_EQ(pulled_at_rest(fan_out_order::completion, 4, buffered, true, config, rest),
                  expected);
    }
}

TEST_F(FanOut, AStuckHeadBoundsTheRun)
{
    server.on_request([this](const received_request& request) {
        if (request.body.find("question 0\"") != std::string::npos)
            return script().stall();
        return server.simulated(request);
    });
    const auto rest = [&] { return server.counts().answered >= 13; };
    EXPECT_EQ(pulled_at_rest(fan_out_order::input, 4, 10, false, config, rest), 14U);
}

// ---- servers that want less

TEST_F(FanOut, LearnsHowManyAServerTakesAtOnce)
{
    limit_places(10, 20ms, "retry-after-ms: 20\r\n");
    fan_out_progress last;
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        auto answers = one.fan_out(questions(1000), {.max_in_flight = 24});
        std::vector<result_type> all;
        while (auto done = co_await answers.next())
            all.push_back(std::move(*done));
        expect_complete(all, 1000);
        last = answers.progress();
    };
    run(body(), 60s);
    EXPECT_EQ(last.done, 1000U);
    EXPECT_EQ(last.failed, 0U);
    EXPECT_GT(*refused, 0U);
    EXPECT_LT(*refused, 1000U / 20);
}

TEST_F(FanOut, APauseHoldsEveryStartBack)
{
    // The first is refused; what had started by then is answered, and nothing starts until it may.
    auto first = std::make_shared<std::atomic<bool>>(true);
    auto began = std::make_shared<std::vector<std::chrono::steady_clock::time_point>>();
    server.on_request([this, first, began](const received_request& request) {
        began->push_back(std::chrono::steady_clock::now());
        if (first->exchange(false))
            return script().respond(429, "text/plain", "wait", "retry-after-ms: 300\r\n");
        return script().pause(5ms).then(server.simulated(request));
    });
    const auto all =
        run_all([](const client& one) { return one.fan_out(questions(12), {.max_in_flight = 3}); });
    expect_complete(all, 12);
    for (const auto& one : all)
        EXPECT_EQ(one.metadata().attempts, one.metadata().attempts > 1 ? 2 : 1);
    ASSERT_EQ(began->size(), 13U);
    EXPECT_GE(began->at(3) - began->at(0), 290ms);
}

TEST_F(FanOut, RetriesEachRequestAsOftenAsItsOwnOptionSays)
{
    server.on_request([](const received_request&) { return script().respond(500, "a/b", "no"); });
    config.retry.max_delay = 1ms;
    const auto all =
        run_all([](const client& one) { return one.fan_out(questions(2), {.max_retries = 3}); });
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].result.error().attempts, 4);
    EXPECT_EQ(server.counts().requests, 8U);
}

// ---- the end

TEST_F(FanOut, AWrongKeyEndsTheRun)
{
    config.key = "wrong";
    const auto all = run_all(
        [](const client& one) { return one.fan_out(questions(1000), {.max_in_flight = 5}); });
    EXPECT_LE(server.counts().requests, 5U);
    EXPECT_LE(all.size(), 5U);
    EXPECT_EQ(all.at(0).result.error().code, errc::unauthorized);
    for (const auto& one : all)
    {
        const auto code = one.result.error().code;
        EXPECT_TRUE(code == errc::unauthorized || code == errc::not_started);
    }
}

TEST_F(FanOut, WhatWasPulledAndNotSentComesBack)
{
    // One is answered, the others are told to wait for long; then somebody stops the run.
    auto count = std::make_shared<std::atomic<int>>(0);
    server.on_request([this, count](const received_request& request) {
        if (++*count == 1)
            return script().respond(503, "text/plain", "wait", "retry-after: 60\r\n");
        return server.simulated(request);
    });
    std::size_t not_started = 0;
    std::size_t refused_ones = 0;
    std::size_t answered = 0;
    const auto body = [&]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        const client one(executor, config);
        auto answers = one.fan_out(questions(100), {.max_in_flight = 4, .max_buffered = 0});
        asio::steady_timer later(executor, 300ms);
        later.async_wait([&](boost::system::error_code) { answers.stop(); });
        while (auto done = co_await answers.next())
        {
            if (done->result)
                ++answered;
            else if (done->result.error().code == errc::not_started)
                ++not_started;
            else if (done->result.error().code == errc::unavailable)
                ++refused_ones;
        }
        const auto end = answers.progress();
        EXPECT_EQ(end.pulled, answered + not_started + refused_ones);
        EXPECT_EQ(end.running, 0U);
    };
    run(body());
    EXPECT_EQ(refused_ones, 1U);
    EXPECT_GE(not_started, 1U);
    EXPECT_EQ(server.counts().requests, answered + refused_ones);
}

TEST_F(FanOut, StopWhenDecides)
{
    server.on_request(
        [](const received_request&) { return script().respond(400, "text/plain", "no"); });
    std::size_t asked = 0;
    const auto all = run_all([&](const client& one) {
        fan_out_options options{.max_in_flight = 1};
        options.stop_when = [&](const error_info& failure) {
            EXPECT_EQ(failure.code, errc::bad_request);
            return ++asked == 3;
        };
        return one.fan_out(questions(50), options);
    });
    EXPECT_EQ(all.size(), 3U);
    EXPECT_EQ(asked, 3U);
}

TEST_F(FanOut, AStopWhenThatThrowsEndsTheRunWithIt)
{
    config.key = "wrong";
    const auto start = [](const client& one) {
        fan_out_options options;
        options.stop_when = [](const error_info&) -> bool { throw std::logic_error("mine"); };
        return one.fan_out(questions(5), options);
    };
    EXPECT_THROW(run_all(start), std::logic_error);
}

TEST_F(FanOut, TheStopTokenOfItsCallsEndsIt)
{
    server.on_request([](const received_request&) { return script().stall(); });
    std::stop_source button;
    const auto body = [&]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        const client one(executor, config);
        call_options each;
        each.stop = button.get_token();
        auto answers = one.fan_out(questions(100), {.max_in_flight = 3}, each);
        std::thread presser([&] {
            EXPECT_TRUE(server.wait_until([&] { return server.counts().requests == 3; }));
            button.request_stop();
        });
        std::size_t cancelled = 0;
        while (auto done = co_await answers.next())
            cancelled += done->result.error().code == asio::error::operation_aborted ? 1 : 0;
        presser.join();
        EXPECT_EQ(cancelled, 3U);
        EXPECT_EQ(one.stats().connections, 0U);
    };
    run(body());
    EXPECT_EQ(server.counts().requests, 3U);
}

TEST_F(FanOut, DroppingItCancelsAll)
{
    server.on_request([](const received_request&) { return script().stall(); });
    const auto body = [&]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        const client one(executor, config);
        {
            auto answers = one.fan_out(slow_generator(100), {.max_in_flight = 6});
            using namespace asio::experimental::awaitable_operators;
            asio::steady_timer patience(executor, 400ms);
            // Giving up waiting leaves the run alone.
            co_await (answers.next() || patience.async_wait(asio::use_awaitable));
            EXPECT_EQ(answers.progress().running, 6U);
            EXPECT_EQ(one.stats().calls, 6U);
        }
        while (one.stats().calls != 0)
            co_await asio::post(executor, asio::use_awaitable);
        EXPECT_EQ(one.stats().connections, 0U);
    };
    run(body());
    EXPECT_TRUE(server.wait_until([&] { return server.counts().open == 0; }));
}

TEST_F(FanOut, DroppingItEndsASourceThatWaits)
{
    const auto body = [&]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        const client one(executor, config);
        auto forever = std::make_shared<asio::steady_timer>(executor, 1h);
        auto answers = one.fan_out([forever]() -> asio::awaitable<std::optional<chat_request>> {
            co_await forever->async_wait(asio::use_awaitable);
            co_return std::nullopt;
        });
        using namespace asio::experimental::awaitable_operators;
        asio::steady_timer patience(executor, 20ms);
        co_await (answers.next() || patience.async_wait(asio::use_awaitable));
    };
    run(body());
}

TEST_F(FanOut, TellsHowFarItIs)
{
    server.on_request([this](const received_request& request) {
        if (request.body.find("question 3\"") != std::string::npos)
            return script().respond(400, "text/plain", "no");
        return server.simulated(request);
    });
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        auto answers = one.fan_out(questions(10), {.max_in_flight = 2});
        EXPECT_EQ(answers.progress().pulled, 0U);
        while (co_await answers.next())
        {}
        const auto end = answers.progress();
        EXPECT_EQ(end.pulled, 10U);
        EXPECT_EQ(end.running, 0U);
        EXPECT_EQ(end.done, 10U);
        EXPECT_EQ(end.failed, 1U);
        EXPECT_EQ(end.failed_by_code.size(), 1U);
        EXPECT_EQ(end.failed_by_code.at(0).code, errc::bad_request);
        EXPECT_GT(end.prompt_tokens, 0);
        EXPECT_GT(end.completion_tokens, 0);
        EXPECT_GT(end.cost, 0);
        EXPECT_FALSE(co_await answers.next());
    };
    run(body());
}

/// Stops a run when one of its requests is to be tried again.
class stop_at_retry final : public observer
{
public:
    void retry_planned(const call_event&, const retry_event&) noexcept override { stop(); }

    std::function<void()> stop;
};

TEST_F(FanOut, WhatNeverGotThroughHasNotBeenStarted)
{
    // Nobody listens there any more.
    {
        const test_server gone(server_options::plain());
        config.base_url = gone.url();
    }
    const auto watch = std::make_shared<stop_at_retry>();
    config.observer = watch;
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        auto answers = one.fan_out(questions(5), {.max_in_flight = 2});
        watch->stop = [&] { answers.stop(); };
        std::size_t seen = 0;
        while (auto done = co_await answers.next())
        {
            ++seen;
            EXPECT_FALSE(done->result);
            EXPECT_EQ(done->result.error().code, errc::not_started)
                << describe(done->result.error());
        }
        EXPECT_GE(seen, 1U);
    };
    run(body());
}

TEST_F(FanOut, WhatWasRefusedKeepsItsError)
{
    server.on_request(
        [](const received_request&) { return script().respond(500, "text/plain", "broken"); });
    const auto watch = std::make_shared<stop_at_retry>();
    config.observer = watch;
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        auto answers = one.fan_out(questions(5), {.max_in_flight = 1});
        watch->stop = [&] { answers.stop(); };
        const auto done = co_await answers.next();
        EXPECT_EQ(done->result.error().code, errc::server_error);
        EXPECT_TRUE(is_retryable(done->result.error()));
    };
    run(body());
}

TEST_F(FanOut, InputOrderNeverWaitsForItself)
{
    // Answers in every order, with less room than finished results.
    server.on_request([](const received_request& request) {
        const auto at = request.body.find("question ") + 9;
        const auto number = std::stoul(request.body.substr(at));
        return script()
            .pause(std::chrono::milliseconds(number * 7919 % 13))
            .respond(200, "application/json", answer_json("yes"));
    });
    for (const std::size_t room : {0U, 1U, 3U, 16U})
    {
        const auto all = run_all([&](const client& one) {
            return one.fan_out(
                questions(200),
                {.max_in_flight = 16, .max_buffered = room, .order = fan_out_order::input});
        });
        ASSERT_EQ(all.size(), 200U);
        for (std::size_t i = 0; i < all.size(); ++i)
            EXPECT_EQ(all[i].index, i);
    }
}

TEST_F(FanOut, ARefusalThatIsNotRetriedPausesTheOthers)
{
    server.enqueue("/v1/chat/completions",
                   script().respond(429, "text/plain", "slow down", "retry-after-ms: 200\r\n"));
    std::vector<std::chrono::steady_clock::time_point> came;
    std::mutex mutex;
    server.on_request([&](const received_request& request) {
        const std::lock_guard lock(mutex);
        came.push_back(std::chrono::steady_clock::now());
        return server.simulated(request);
    });
    const auto began = std::chrono::steady_clock::now();
    const auto all = run_all([&](const client& one) {
        return one.fan_out(questions(20), {.max_in_flight = 1, .max_retries = 0});
    });
    ASSERT_EQ(all.size(), 20U);
    EXPECT_EQ(std::count_if(all.begin(), all.end(),
                            [](const auto& each) { return each.result.has_error(); }),
              1);
    ASSERT_FALSE(came.empty());
    EXPECT_GE(came.front() - began, 200ms);
}

TEST_F(FanOut, AfterItsEndNobodyAsksStopWhen)
{
    server.on_request([](const received_request&) { return script().stall(); });
    const auto body = [&]() -> asio::awaitable<void> {
        using namespace asio::experimental::awaitable_operators;
        const auto executor = co_await asio::this_coro::executor;
        const client one(executor, config);
        auto asked = std::make_unique<std::size_t>(0);
        {
            fan_out_options options;
            options.stop_when = [&asked](const error_info&) { return ++*asked == 0; };
            auto answers = one.fan_out(questions(10), options);
            const auto none = co_await try_await(answers.next() || timer_of(executor, 50ms));
            EXPECT_TRUE(none);
        }
        EXPECT_EQ(*asked, 0U);
        asked.reset();  // a question from now on would be noticed
        co_await timer_of(executor, 50ms);
        EXPECT_EQ(one.stats().calls, 0U);
    };
    run(body());
}

TEST_F(FanOut, AStopWhenThatThrowsLosesNoAnswer)
{
    for (const auto order : {fan_out_order::completion, fan_out_order::input})
    {
        server.on_request([](const received_request& request) {
            if (request.body.find("question 3\"") != std::string::npos)
                return script().respond(400, "text/plain", "no");
            return script().respond(200, "application/json", answer_json("yes"));
        });
        std::set<std::size_t> seen;
        bool thrown = false;
        const auto body = [&]() -> asio::awaitable<void> {
            const client one(co_await asio::this_coro::executor, config);
            fan_out_options options;
            options.max_in_flight = 4;
            options.max_buffered = 1;
            options.order = order;
            options.stop_when = [](const error_info&) -> bool {
                throw std::runtime_error("no more");
            };
            auto answers = one.fan_out(questions(50), options);
            try
            {
                while (auto done = co_await answers.next())
                    seen.insert(done->index);
            }
            catch (const std::runtime_error&)
            {
                thrown = true;
            }
            EXPECT_EQ(answers.progress().done, seen.size());
        };
        run(body());
        EXPECT_TRUE(thrown);
        EXPECT_TRUE(seen.contains(3));
    }
}

TEST_F(FanOut, LetsOneCallerInAtATime)
{
    server.on_request([](const received_request&) { return script().stall(); });
    const auto body = [&]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        const client one(executor, config);
        auto answers = one.fan_out(questions(1));
        asio::co_spawn(
            executor, [&]() -> asio::awaitable<void> { co_await answers.next(); }, asio::detached);
        co_await asio::post(executor, asio::use_awaitable);
        const auto second = co_await try_await(answers.next());
        EXPECT_EQ(second.error().code, errc::operation_in_progress);
        answers.stop();
        one.close();
    };
    run(body());
}

TEST_F(FanOut, ABadOptionIsRefused)
{
    const auto start = [](const client& one) {
        return one.fan_out(questions(1), {.max_in_flight = 0});
    };
    EXPECT_THROW(run_all(start), error);
}

// ---- executors

TEST_F(FanOut, IsReadFromAnotherContext)
{
    asio::io_context theirs;
    auto work = asio::make_work_guard(theirs);
    std::thread thread([&] { theirs.run(); });
    const client one(theirs, config);
    const auto body = [&]() -> asio::awaitable<void> {
        expect_complete(co_await take_all(one.fan_out(questions(50))), 50);
    };
    run(body());
    work.reset();
    one.close();
    thread.join();
}

TEST_F(FanOut, IsSharedByThreads)
{
    asio::io_context io;
    const client one(io, config);
    std::vector<result_type> all;
    const auto body = [&]() -> asio::awaitable<void> {
        all = co_await take_all(one.fan_out(questions(500), {.max_in_flight = 16}));
        one.close();
    };
    asio::co_spawn(io, body(), asio::detached);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] { io.run(); });
    for (auto& thread : threads)
        thread.join();
    expect_complete(all, 500);
}

TEST_F(FanOut, HearsThatTheClientsContextHasStopped)
{
    asio::io_context theirs;
    const client one(theirs, config);
    theirs.stop();
    const auto body = [&]() -> asio::awaitable<void> {
        auto answers = one.fan_out(questions(10));
        const auto got = co_await try_await(answers.next());
        EXPECT_FALSE(got);
        EXPECT_EQ(got.error().code, errc::context_stopped);
    };
    run(body());
}

}  // namespace

}  // namespace regolo::test
