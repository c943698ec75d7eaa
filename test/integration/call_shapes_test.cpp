// Ways of calling that a user may come upon. Compiled with the oldest compiler and run under the address sanitizer,
// they show that none of them meets the compiler's defects with temporaries of a co_await expression.

#include "integration/exchanges.hpp"

#include <regolo/testing/run.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <future>
#include <optional>
#include <stop_token>
#include <thread>

namespace regolo::test {

using namespace regolo::testing;

namespace {

using namespace std::chrono_literals;
using namespace asio::experimental::awaitable_operators;

// Longer than any small-string buffer, so that a double release is a crash.
const std::string model = "Llama-3.3-70B-Instruct";
const std::string question = "count to 5, and take no notice of the length of this sentence";
const std::string five = "1 2 3 4 5";

std::string make_model() { return model; }
chat_message make_question()
{
    chat_message asked;
    asked.role = "user";
    asked.content = question;
    return asked;
}

template <class T>
bool is_ready(const std::future<T>& one)
{
    return one.wait_for(0s) == std::future_status::ready;
}

class CallShapes : public ::testing::Test
{
protected:
    test_server server_;
    asio::io_context io_{1};
    client client_{io_, config_for(server_)};
};

TEST_F(CallShapes, ArgumentsAreTemporaries)
{
    const auto shapes = [](client& c) -> asio::awaitable<int> {
        int right = 0;
        right += (co_await c.chat({model, question})).text() == five;
        right += (co_await c.chat(chat_request(make_model(), question))).text() == five;
        right += (co_await c.chat(chat_request(model).user(question))).text() == five;
        right +=
            (co_await c.chat(chat_request(make_model()).system("Be brief.").add(make_question())))
                .text() == five;
        right += (co_await c.complete({model, question})).text() == five;
        right += (co_await c.request({"GET", "/v1/models"})).metadata.status == 200;
        right += (co_await c.chat({make_model(), question}, call_options())).text() == five;
        co_return right;
    };
    EXPECT_EQ(run_on(io_, shapes(client_)), 7);
}

TEST_F(CallShapes, ArgumentsAreBuiltBefore)
{
    const auto shapes = [](client& c) -> asio::awaitable<int> {
        int right = 0;
        chat_request request(model);
        request.user(question);
        request.temperature = 0.5;
        request.stop.emplace_back("never");
        call_options options;
        options.headers.emplace_back("x-team", "search");
        options.time.total = 30s;
        right += (co_await c.chat(request)).text() == five;
        right += (co_await c.chat(request, options)).text() == five;
        right += (co_await c.chat(std::move(request), std::move(options))).text() == five;
        co_return right;
    };
    EXPECT_EQ(run_on(io_, shapes(client_)), 3);
}

TEST_F(CallShapes, ResultIsUsedInTheSameExpression)
{
    const auto shapes = [](client& c) -> asio::awaitable<std::string> {
        const std::string joined = std::string("<") +
                                   std::string((co_await c.chat({model, question})).text()) + ">" +
                                   std::to_string((co_await c.models()).data.size());
        if (auto answer = co_await try_await(c.chat({model, question})); answer)
            co_return joined + std::string(answer->text());
        co_return joined;
    };
    const auto models = std::to_string(simulation_options().models.size());
    EXPECT_EQ(run_on(io_, shapes(client_)), "<" + five + ">" + models + five);
}

TEST_F(CallShapes, ClientMadeInACoroutine)
{
    const auto shape = [](client_config config) -> asio::awaitable<std::string> {
        client c(co_await asio::this_coro::executor, std::move(config));
        const auto answer = co_await c.chat({model, question});
        co_return answer.text();
    };
    EXPECT_EQ(run(shape(config_for(server_))), five);

    const auto temporary = [](client_config config) -> asio::awaitable<std::string> {
        const auto executor = co_await asio::this_coro::executor;
        const auto answer = co_await client(executor, std::move(config)).chat({model, question});
        co_return answer.text();
    };
    EXPECT_EQ(run(temporary(config_for(server_))), five);
}

TEST_F(CallShapes, StreamOfATemporaryClient)
{
    const auto shape = [](client_config config) -> asio::awaitable<std::string> {
        const auto executor = co_await asio::this_coro::executor;
        auto stream = co_await client(executor, std::move(config)).stream_chat({model, question});
        std::string text;
        while (auto chunk = co_await stream.next())
            text += chunk->text();
        co_return text;
    };
    EXPECT_EQ(run(shape(config_for(server_))), five);
}

TEST_F(CallShapes, SpawnedWithEveryCompletionToken)
{
    auto future = asio::co_spawn(io_, client_.chat({model, question}), asio::use_future);
    auto from_temporary = asio::co_spawn(
        io_, client(io_, config_for(server_)).chat({model, question}), asio::use_future);
    auto strand = asio::co_spawn(asio::make_strand(io_), client_.complete({model, question}),
                                 asio::use_future);
    auto stream = asio::co_spawn(io_, client_.stream_chat({model, question}), asio::use_future);
    auto as_value =
        asio::co_spawn(io_, try_await(client_.chat({"no-such-model", question})), asio::use_future);
    std::string called_back;
    asio::co_spawn(io_, client_.chat({model, question}),
                   [&](std::exception_ptr failure, chat_response answer) {
                       EXPECT_FALSE(failure);
                       called_back = answer.text();
                   });
    asio::co_spawn(io_, client_.models(), asio::detached);
    std::string awaited;
    asio::co_spawn(
        io_,
        [](client& c, std::string& out) -> asio::awaitable<void> {
            const auto answer = co_await asio::co_spawn(
                co_await asio::this_coro::executor, c.chat({model, question}), asio::use_awaitable);
            out = answer.text();
        }(client_, awaited),
        asio::detached);
    ASSERT_TRUE(run_until(io_, [&] {
        return is_ready(future) && is_ready(from_temporary) && is_ready(strand) &&
               is_ready(stream) && is_ready(as_value) && !called_back.empty() && !awaited.empty();
    }));
    EXPECT_EQ(future.get().text(), five);
    EXPECT_EQ(from_temporary.get().text(), five);
    EXPECT_EQ(strand.get().text(), five);
    EXPECT_EQ(as_value.get().error().code, errc::not_found);
    EXPECT_EQ(called_back, five);
    EXPECT_EQ(awaited, five);
    auto opened = stream.get();
    auto chunk = asio::co_spawn(io_, opened.next(), asio::use_future);
    ASSERT_TRUE(run_until(io_, [&] { return is_ready(chunk); }));
    EXPECT_EQ(chunk.get()->text(), "1");
}

TEST_F(CallShapes, FutureOfAFailureThrowsTheError)
{
    auto failed = asio::co_spawn(io_, client_.chat({"error-401", question}), asio::use_future);
    ASSERT_TRUE(run_until(io_, [&] { return is_ready(failed); }));
    try
    {
        static_cast<void>(failed.get());
        FAIL() << "does not throw";
    }
    catch (const error& e)
    {
        EXPECT_EQ(e.info().code, errc::unauthorized);
        EXPECT_NE(std::string(e.what()), "");
    }
}

TEST_F(CallShapes, TwoAtOnce)
{
    const auto both = [](client& c) -> asio::awaitable<std::string> {
        auto [chat, completion] =
            co_await (c.chat({model, question}) && c.complete({model, question}));
        co_return std::string(chat.text()) + std::string(completion.text());
    };
    EXPECT_EQ(run_on(io_, both(client_)), five + five);

    const auto tried = [](client& c) -> asio::awaitable<bool> {
        auto [good, bad] = co_await (try_await(c.chat({model, question})) &&
                                     try_await(c.chat({"error-503", question})));
        co_return good.has_value() && !bad.has_value();
    };
    EXPECT_TRUE(run_on(io_, tried(client_)));
}

TEST_F(CallShapes, FirstOfTwo)
{
    const auto first = [](client& c) -> asio::awaitable<std::size_t> {
        auto one = co_await (c.chat({model, question}) || c.chat({"stall", question}));
        co_return one.index();
    };
    EXPECT_EQ(run_on(io_, first(client_)), 0U);
    EXPECT_TRUE(run_until(io_, [&] { return is_quiet(client_); }));

    const auto timed = [](client& c) -> asio::awaitable<std::size_t> {
        asio::steady_timer timer(co_await asio::this_coro::executor, 5ms);
        auto one = co_await (c.chat({"stall", question}) || timer.async_wait(asio::use_awaitable));
        co_return one.index();
    };
    EXPECT_EQ(run_on(io_, timed(client_)), 1U);
    EXPECT_TRUE(run_until(io_, [&] { return is_quiet(client_); }));
}

TEST_F(CallShapes, AwaitableThatIsNeverAwaited)
{
    {
        auto unused = client_.chat({model, question});
        auto stream = client_.stream_chat({model, question});
        auto models = client_.models();
    }
    EXPECT_EQ(client_.stats().calls_started, 0U);
    EXPECT_EQ(server_.counts().accepted, 0U);
}

TEST_F(CallShapes, AwaitedLaterThanItsArgumentsLive)
{
    std::optional<asio::awaitable<chat_response>> later;
    {
        const chat_request request(make_model(), question);
        call_options options;
        options.headers.emplace_back("x-team", "a value that is too long for a small string");
        client passing(io_, config_for(server_));
        later = passing.chat(request, options);
    }
    EXPECT_EQ(run_on(io_, std::move(*later)).text(), five);
    EXPECT_EQ(server_.requests().at(0).header("x-team"),
              "a value that is too long for a small string");
}

TEST_F(CallShapes, CapturingLambdaThatOutlivesItsCoroutine)
{
    std::string seen;
    const auto shape = [&, copy = question]() -> asio::awaitable<void> {
        auto stream = co_await client_.stream_chat({model, copy});
        while (const auto chunk = co_await stream.next())
            seen += chunk->text();
    };
    run_on(io_, shape());
    EXPECT_EQ(seen, five);
}

TEST_F(CallShapes, StopTokenOfAThread)
{
    call_options options;
    std::jthread button;
    std::stop_source source;
    options.stop = source.get_token();
    auto stalled = asio::co_spawn(io_, try_await(client_.chat({"stall", question}, options)),
                                  asio::use_future);
    ASSERT_TRUE(run_until(io_, [&] { return server_.counts().requests == 1; }));
    button = std::jthread([&] { source.request_stop(); });
    ASSERT_TRUE(run_until(io_, [&] { return is_ready(stalled); }));
    EXPECT_EQ(stalled.get().error().code, asio::error::operation_aborted);
}

TEST_F(CallShapes, CancellationSlotBoundToTheToken)
{
    asio::cancellation_signal signal;
    auto stalled = asio::co_spawn(io_, try_await(client_.chat({"stall", question})),
                                  asio::bind_cancellation_slot(signal.slot(), asio::use_future));
    ASSERT_TRUE(run_until(io_, [&] { return server_.counts().requests == 1; }));
    signal.emit(asio::cancellation_type::terminal);
    ASSERT_TRUE(run_until(io_, [&] { return is_ready(stalled); }));
    EXPECT_EQ(stalled.get().error().code, asio::error::operation_aborted);
    EXPECT_TRUE(is_quiet(client_));
}

}  // namespace

}  // namespace regolo::test
