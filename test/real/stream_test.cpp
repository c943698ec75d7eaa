// Streams of a real server: what they add up to, how they end, many of them, and leaving them.

#include "real/server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/json.hpp>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <string>

namespace regolo::test {

namespace {

namespace json = boost::json;

struct read_answer
{
    read_answer() = default;

    std::string text;
    int chunks = 0;
    stream_end ended_as = stream_end::open;
    chat_response partial;
    std::string completion_text;
};

asio::awaitable<read_answer> read_all(chat_request request)
{
    const auto api = co_await make_client();
    auto stream = co_await api.stream_chat(std::move(request));
    read_answer read;
    while (const auto chunk = co_await stream.next())
    {
        read.text += chunk->text();
        ++read.chunks;
    }
    read.ended_as = stream.ended_as();
    read.partial = stream.partial();
    co_return read;
}

TEST(RealStream, AddsUpToItsText)
{
    REGOLO_NEEDS("chat");
    const auto read = run(read_all(short_question()));
    EXPECT_FALSE(read.text.empty());
    EXPECT_EQ(read.text, read.partial.text());
    EXPECT_GT(read.chunks, 1);
    EXPECT_FALSE(read.partial.finish_reason().empty());
    EXPECT_EQ(read.ended_as, stream_end::done);
}

TEST(RealStream, IsTheWholeAnswerInPieces)
{
    REGOLO_NEEDS("repeatable");
    REGOLO_NEEDS("stream_text");
    const auto ask = []() -> asio::awaitable<std::string> {
        const auto api = co_await make_client();
        co_return (co_await api.chat(short_question())).text();
    };
    EXPECT_EQ(run(read_all(short_question())).text, run(ask()));
}

TEST(RealStream, CountsTokens)
{
    REGOLO_NEEDS("stream_usage");
    const auto read = run(read_all(short_question()));
    ASSERT_TRUE(read.partial.usage);
    EXPECT_GT(read.partial.usage->completion_tokens.value_or(0), 0);
}

TEST(RealStream, CountsNoTokensUnlessAskedTo)
{
    REGOLO_NEEDS("stream_usage");
    auto request = short_question();
    request.include_usage = false;
    EXPECT_FALSE(run(read_all(request)).partial.usage);
}

TEST(RealStream, HasSeveralChoices)
{
    REGOLO_NEEDS("n");
    auto request = short_question();
    request.n = 2;
    const auto read = run(read_all(request));
    ASSERT_EQ(read.partial.choices.size(), 2U);
    EXPECT_FALSE(read.partial.choices[0].finish_reason.empty());
    EXPECT_FALSE(read.partial.choices[1].finish_reason.empty());
}

TEST(RealStream, PutsAToolCallTogether)
{
    REGOLO_NEEDS("tool_required");
    auto request = short_question();
    request.max_tokens = 400;
    request.logit_bias = {{"259", 50}, {"2", 100}};  // as in answer_test.cpp
    request.tools.emplace_back(
        "weather", "The weather of a city",
        json::object{{"type", "object"},
                     {"properties", {{"city", {{"type", "string"}, {"enum", {"Rome", "Milan"}}}}}},
                     {"required", {"city"}}});
    request.tool_choice = tool_choice::required();
    const auto read = run(read_all(request));
    ASSERT_EQ(read.partial.tool_calls().size(), 1U);
    const auto& call = read.partial.tool_calls().front();
    EXPECT_EQ(call.name, "weather");
    EXPECT_TRUE(json::parse(call.arguments).as_object().contains("city")) << call.arguments;
    EXPECT_EQ(read.partial.finish_reason(), "tool_calls");
}

TEST(RealStream, HasLogProbabilities)
{
    REGOLO_NEEDS("logprobs");
    auto request = short_question();
    request.logprobs = true;
    request.top_logprobs = 1;
    const auto read = run(read_all(request));
    ASSERT_TRUE(read.partial.choices.at(0).logprobs);
    EXPECT_FALSE(read.partial.choices[0].logprobs->content.empty());
}

TEST(RealStream, CompletesAText)
{
    REGOLO_NEEDS("completions");
    const auto read = []() -> asio::awaitable<void> {
        const auto api = co_await make_client();
        completion_request request;
        request.prompt = "Once upon a time";
        request.max_tokens = 16;
        auto stream = co_await api.stream_completion(request);
        std::string text;
        while (const auto chunk = co_await stream.next())
            text += chunk->text();
        EXPECT_FALSE(text.empty());
        EXPECT_EQ(text, stream.partial().text());
        EXPECT_EQ(stream.ended_as(), stream_end::done);
    };
    run(read());
}

TEST(RealStream, GivesRawEvents)
{
    REGOLO_NEEDS("chat");
    const auto read = []() -> asio::awaitable<void> {
        const auto api = co_await make_client();
        auto request = short_question();
        request.model = client_config::from_environment().model;
        request.extra["stream"] = true;
        const api_request raw("POST", "/v1/chat/completions", to_json(request));
        auto events = co_await api.stream_request(raw);
        int count = 0;
        while (const auto event = co_await events.next())
        {
            EXPECT_TRUE(json::parse(event->data).is_object()) << event->data;
            ++count;
        }
        EXPECT_GT(count, 1);
        EXPECT_EQ(events.ended_as(), stream_end::done);
    };
    run(read());
}

// ---- many

struct crowd
{
    int ended = 0;
    int right = 0;
};

asio::awaitable<void> read_one(const client& api, crowd& all)
{
    const auto outcome = co_await stream_all(api, short_question());
    all.right += !outcome.failure && outcome.ended_as == stream_end::done && !outcome.text.empty();
    EXPECT_FALSE(outcome.failure) << describe(*outcome.failure);
    ++all.ended;
}

asio::awaitable<void> read_many(int count)
{
    const auto api = co_await make_client();
    crowd all;
    for (int i = 0; i != count; ++i)
        asio::co_spawn(co_await asio::this_coro::executor, read_one(api, all),
                       [](std::exception_ptr failure) { EXPECT_FALSE(failure); });
    while (all.ended != count)
        co_await pause(10ms);
    EXPECT_EQ(all.right, count);
    EXPECT_EQ(api.stats().calls, 0U);
    EXPECT_EQ(api.stats().connections_opened, static_cast<std::uint64_t>(count));
}

TEST(RealStream, AHundredRunAtOnce)
{
    REGOLO_NEEDS("chat");
    run(read_many(100), 60s);
}

// ---- leaving

asio::awaitable<void> leave_and_go_on()
{
    const auto api = co_await make_client();
    for (int i = 0; i != 3; ++i)
    {
        auto stream = co_await api.stream_chat(endless_question());
        EXPECT_TRUE(co_await stream.next());
        EXPECT_TRUE(co_await stream.next());
        stream.close();
        EXPECT_EQ(stream.ended_as(), stream_end::closed);
    }
    const auto answer = co_await api.chat(short_question());
    EXPECT_FALSE(answer.text().empty());
    EXPECT_EQ(api.stats().calls, 0U);
}

TEST(RealStream, LeftInItsMiddleHurtsNothing)
{
    REGOLO_NEEDS("endless");
    run(leave_and_go_on());
}

struct activity
{
    activity() = default;

    int busy = 0;
    std::int64_t generated = 0;
};

asio::awaitable<activity> look(const client& api)
{
    const auto slots = (co_await api.request({"GET", "/slots"})).json();
    activity now;
    for (const auto& slot : slots.as_array())
    {
        if (!slot.at("is_processing").as_bool())
            continue;
        ++now.busy;
        now.generated += slot.at("next_token").at(0).at("n_decoded").to_number<std::int64_t>();
    }
    co_return now;
}

/** Waits until the server does nothing.

    While a call without a stream runs, llama.cpp looks after its client once a second, unless another answer comes in
    between: whoever asks more often keeps it from that.
*/
asio::awaitable<void> wait_until_idle(const client& api, std::chrono::milliseconds interval)
{
    for (;;)
    {
        const auto now = co_await look(api);  // not in a loop's condition: GCC 12 miscompiles that
        if (now.busy == 0)
            co_return;
        co_await pause(interval);
    }
}

constexpr auto seldom = 1200ms;

asio::awaitable<void> see_it_stop()
{
    const auto api = co_await make_client();
    co_await wait_until_idle(api, seldom);
    auto stream = co_await api.stream_chat(endless_question());
    EXPECT_TRUE(co_await stream.next());
    const auto first = co_await look(api);
    co_await pause(50ms);
    const auto second = co_await look(api);
    EXPECT_EQ(first.busy, 1);
    EXPECT_EQ(second.busy, 1);
    EXPECT_GT(second.generated, first.generated);  // it goes on by itself

    stream.close();
    const auto start = std::chrono::steady_clock::now();
    co_await wait_until_idle(api, 5ms);
    EXPECT_LT(std::chrono::steady_clock::now() - start, 1s);
}

TEST(RealStream, DroppedMakesTheServerStop)
{
    REGOLO_NEEDS("slots");
    run(see_it_stop());
}

asio::awaitable<void> see_a_call_stop()
{
    const auto api = co_await make_client();
    co_await wait_until_idle(api, seldom);
    call_options options;
    options.time.head = 300ms;
    const auto failure = co_await failure_of(api.chat(endless_question(), options));
    EXPECT_EQ(failure.code, errc::head_timeout);
    EXPECT_EQ((co_await look(api)).busy, 1);
    const auto start = std::chrono::steady_clock::now();
    co_await wait_until_idle(api, seldom);
    EXPECT_LT(std::chrono::steady_clock::now() - start, 4s);
}

TEST(RealStream, ACallThatTimesOutMakesTheServerStop)
{
    REGOLO_NEEDS("slots");
    run(see_a_call_stop());
}

asio::awaitable<void> run_out_of_time()
{
    const auto api = co_await make_client();
    call_options options;
    options.time.total = 500ms;
    auto stream = co_await api.stream_chat(endless_question(), options);
    const auto outcome = co_await read_stream(std::move(stream));
    EXPECT_FALSE(outcome.text.empty());
    EXPECT_EQ(outcome.ended_as, stream_end::failed);
    EXPECT_EQ(outcome.failure.value().code, errc::total_timeout);
}

TEST(RealStream, EndsWhenItsTimeIsUp)
{
    REGOLO_NEEDS("endless");
    run(run_out_of_time());
}

asio::awaitable<void> wait_shortly()
{
    const auto api = co_await make_client();
    auto stream = co_await api.stream_chat(endless_question());
    int waits = 0;
    for (int chunks = 0; chunks != 20;)
    {
        const auto chunk = co_await try_await(stream.next_for(1us));
        if (chunk)
            ++chunks;
        else if (chunk.error().code == errc::wait_timeout)
            ++waits;
        else
            throw error(chunk.error());
    }
    EXPECT_GT(waits, 0);
    EXPECT_EQ(stream.ended_as(), stream_end::open);
}

TEST(RealStream, SurvivesShortWaits)
{
    REGOLO_NEEDS("endless");
    run(wait_shortly());
}

}  // namespace

}  // namespace regolo::test
