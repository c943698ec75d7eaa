// Answers that only look whole, and what `fail_on` makes of them.

#include "integration/exchanges.hpp"

#include <regolo/testing/run.hpp>

namespace regolo::test {

namespace {

using namespace std::chrono_literals;

std::string chunk_of(std::string_view delta, std::string_view finish = "null")
{
    return R"({"id":"c","object":"chat.completion.chunk","created":1,"model":"sim-chat","choices":[)"
           R"({"index":0,"delta":{)" +
           std::string(delta) + R"(},"finish_reason":)" + std::string(finish) + "}]}";
}

constexpr std::string_view role = R"("role":"assistant","content":"")";
constexpr std::string_view usage_chunk =
    R"({"id":"c","model":"sim-chat","choices":[],"usage":{"total_tokens":7}})";

script stream_of(std::initializer_list<std::string> events)
{
    auto answer = script().expect_request().start_stream();
    for (const auto& event : events)
        answer.event(event);
    return answer.event("[DONE]").end_stream();
}

/// What a gateway makes of a model that it has lost.
script empty_stream()
{
    return stream_of({chunk_of(role), chunk_of("", "\"stop\""), std::string(usage_chunk)});
}

script whole(std::string_view message, std::string_view finish, std::string_view model = "sim-chat")
{
    return script().expect_request().respond(
        200, "application/json",
        R"({"id":"c","object":"chat.completion","model":")" + std::string(model) +
            R"(","choices":[{"index":0,"message":{)" + std::string(message) +
            R"(},"finish_reason":")" + std::string(finish) + R"("}]})");
}

chat_request hello() { return {"sim-chat", "count to 5"}; }

class Doubts : public ::testing::TestWithParam<bool>
{
protected:
    /// A client that takes these doubts for errors.
    client strict(answer_doubts fail_on, int max_retries = 0)
    {
        auto config = config_for(server_);
        config.fail_on = fail_on;
        config.retry.max_retries = max_retries;
        config.retry.initial_delay = 1ms;
        return {io_, config};
    }
    template <class T>
    result<T> attempt(asio::awaitable<T> operation)
    {
        return run_on(io_, try_await(std::move(operation)));
    }

    test_server server_{options_for(GetParam())};
    asio::io_context io_{1};
    client client_{io_, config_for(server_)};
};

INSTANTIATE_TEST_SUITE_P(Transports, Doubts, ::testing::Bool(),
                         [](const auto& chosen) { return chosen.param ? "Tls" : "Plain"; });

call_options as_stream()
{
    call_options options;
    options.as_stream = true;
    return options;
}

TEST_P(Doubts, AreVisibleAndNoErrorsByThemselves)
{
    server_.enqueue(whole(R"("content":null)", "stop"));
    EXPECT_EQ(run_on(io_, client_.chat(hello())).doubts(), answer_doubts{.empty = true});
    server_.enqueue(whole(R"("content":"a")", "stop", "sim-other"));
    const auto other = run_on(io_, client_.chat(hello()));
    EXPECT_EQ(other.doubts(), answer_doubts{.other_model = true});
    EXPECT_EQ(other.metadata.model_asked, "sim-chat");
    EXPECT_EQ(other.metadata.model, "sim-other");
    chat_request thinking("sim-reasoning", "hello");
    thinking.max_tokens = 2;
    EXPECT_EQ(run_on(io_, client_.chat(thinking)).doubts(), answer_doubts{.out_of_tokens = true});
    EXPECT_FALSE(run_on(io_, client_.chat(hello())).doubts());

    server_.enqueue(empty_stream());
    auto stream = run_on(io_, client_.stream_chat(hello()));
    int chunks = 0;
    while (run_on(io_, stream.next()))
        ++chunks;
    EXPECT_EQ(chunks, 3) << "nothing is held back";
    EXPECT_EQ(stream.final().doubts(), answer_doubts{.empty = true});
    EXPECT_EQ(stream.metadata().model_asked, "sim-chat");
}

TEST_P(Doubts, KnowTheModelAskedFor)
{
    auto config = config_for(server_);
    config.model = "sim-chat";
    const client named(io_, config);
    EXPECT_EQ(run_on(io_, named.chat(chat_request().user("hello"))).metadata.model_asked,
              "sim-chat");
    auto request = hello();
    request.extra["model"] = "sim-reasoning";
    const auto answer = run_on(io_, named.chat(request));
    EXPECT_EQ(answer.metadata.model_asked, "sim-reasoning");
    EXPECT_FALSE(answer.doubts());
    const auto failure = attempt(named.chat({"error-500", "hello"}));
    EXPECT_EQ(failure.error().metadata.model_asked, "error-500");
    EXPECT_EQ(run_on(io_, named.models()).metadata.model_asked, "");
}

// ---- an empty answer

TEST_P(Doubts, EmptyAnswerIsAskedForAgain)
{
    const auto patient = strict({.empty = true}, 2);
    server_.enqueue(whole(R"("content":"")", "stop"));
    const auto static_one = run_on(io_, patient.chat(hello()));
    EXPECT_EQ(static_one.text(), "1 2 3 4 5");
    EXPECT_EQ(static_one.metadata.attempts, 2);

    server_.enqueue(empty_stream());
    const auto collected = run_on(io_, patient.chat(hello(), as_stream()));
    EXPECT_EQ(collected.text(), "1 2 3 4 5");
    EXPECT_EQ(collected.metadata.attempts, 2);
    EXPECT_NE(collected.usage->total_tokens, 7) << "nothing of the first one is left";

    server_.enqueue(empty_stream());
    server_.enqueue(stream_of({}));
    auto stream = run_on(io_, patient.stream_chat(hello()));
    EXPECT_EQ(run_on(io_, stream.next())->text(), "1") << "the first chunk is of the third attempt";
    EXPECT_EQ(stream.metadata().attempts, 3);
    while (run_on(io_, stream.next()))
    {}
    EXPECT_EQ(stream.final().text(), "1 2 3 4 5");
    EXPECT_TRUE(run_until(io_, [&] { return is_quiet(patient); }));
}

TEST_P(Doubts, EmptyAnswerIsAnErrorInTheEnd)
{
    const auto once = strict({.empty = true}, 1);
    for (int i = 0; i != 2; ++i)
        server_.enqueue(whole(R"("content":"")", "stop"));
    const auto static_one = attempt(once.chat(hello()));
    EXPECT_EQ(static_one.error().code, errc::empty_answer);
    EXPECT_EQ(static_one.error().attempts, 2);
    EXPECT_EQ(static_one.error().http_status, 200);
    EXPECT_EQ(static_one.error().where, phase::body);
    EXPECT_FALSE(static_one.error().call_id.empty());

    for (int i = 0; i != 2; ++i)
        server_.enqueue(empty_stream());
    auto stream = run_on(io_, once.stream_chat(hello()));
    for (int i = 0; i != 2; ++i)
    {
        const auto outcome = attempt(stream.next());
        ASSERT_FALSE(outcome) << "no silent end";
        EXPECT_EQ(outcome.error().code, errc::empty_answer);
        EXPECT_EQ(outcome.error().attempts, 2);
    }
    EXPECT_EQ(stream.ended_as(), stream_end::failed);
    EXPECT_EQ(stream.partial().usage->total_tokens, 7);
    EXPECT_EQ(once.stats().calls, 0U);

    const auto never = strict({.empty = true}, 0);
    server_.enqueue(empty_stream());
    auto finished = run_on(io_, never.stream_chat(hello()));
    EXPECT_EQ(attempt(finished.finish(10s)).error().code, errc::empty_answer);
}

TEST_P(Doubts, ChunksThatSayNothingWaitForOneThatDoes)
{
    const auto patient = strict({.empty = true}, 2);
    server_.enqueue(stream_of({chunk_of(role), chunk_of(""), chunk_of(R"("content":"a")"),
                               chunk_of(""), chunk_of("", "\"stop\"")}));
    auto stream = run_on(io_, patient.stream_chat(hello()));
    std::vector<std::string> roles_and_texts;
    while (auto chunk = run_on(io_, stream.next()))
    {
        const auto& delta = chunk->choices.at(0).delta;
        roles_and_texts.push_back(delta.role + delta.content.value_or("-") +
                                  chunk->choices[0].finish_reason);
    }
    EXPECT_EQ(roles_and_texts, (std::vector<std::string>{"assistant", "-", "a", "-", "-stop"}));

    // An answer whose finish reason says why it is empty is none of these: all its chunks come at its end.
    server_.enqueue(stream_of({chunk_of(role), chunk_of("", "\"length\"")}));
    auto cut = run_on(io_, patient.stream_chat(hello()));
    int chunks = 0;
    while (run_on(io_, cut.next()))
        ++chunks;
    EXPECT_EQ(chunks, 2);
    EXPECT_EQ(cut.ended_as(), stream_end::done);
    EXPECT_EQ(cut.final().finish_reason(), "length");

    // A server may say nothing for ever.
    auto endless = script().expect_request().start_stream();
    for (int i = 0; i != 100; ++i)
        endless.event(chunk_of(""));
    server_.enqueue(endless.stall());
    auto silent = run_on(io_, patient.stream_chat(hello()));
    EXPECT_TRUE(run_on(io_, silent.next()));
}

TEST_P(Doubts, NothingIsAskedForAgainOnceSomethingWasHandedOut)
{
    const auto patient = strict({.empty = true}, 2);
    auto stalled = script().expect_request().start_stream();
    for (int i = 0; i != 100; ++i)
        stalled.event(chunk_of(""));
    server_.enqueue(stalled.event(chunk_of("", "\"stop\"")).event("[DONE]").end_stream());
    auto stream = run_on(io_, patient.stream_chat(hello()));
    result<std::optional<chat_chunk>> got{std::optional<chat_chunk>()};
    int chunks = -1;
    do
    {
        ++chunks;
        got = attempt(stream.next());
    } while (got && *got);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, errc::empty_answer);
    EXPECT_EQ(got.error().attempts, 1);
    EXPECT_EQ(chunks, 101);
}

// ---- the others

TEST_P(Doubts, ReasoningThatAteTheBudget)
{
    const auto strict_one = strict({.out_of_tokens = true}, 2);
    chat_request request("sim-reasoning", "hello");
    request.max_tokens = 2;
    for (const bool streamed : {false, true})
    {
        auto options = as_stream();
        options.as_stream = streamed;
        const auto answer = attempt(strict_one.chat(request, options));
        EXPECT_EQ(answer.error().code, errc::out_of_tokens);
        EXPECT_EQ(answer.error().attempts, 1);
    }
    auto stream = run_on(io_, strict_one.stream_chat(request));
    EXPECT_EQ(run_on(io_, stream.next())->reasoning(), "The");
    result<std::optional<chat_chunk>> got{std::optional<chat_chunk>()};
    do
        got = attempt(stream.next());
    while (got && *got);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, errc::out_of_tokens);
    EXPECT_EQ(stream.partial().reasoning(), "The user");
    EXPECT_EQ(stream.partial().finish_reason(), "length");
    EXPECT_TRUE(stream.partial().usage);
    EXPECT_THROW(static_cast<void>(stream.final()), error);
    EXPECT_TRUE(run_until(io_, [&] { return is_quiet(strict_one); }));
}

TEST_P(Doubts, AnotherModel)
{
    const auto strict_one = strict({.other_model = true}, 2);
    server_.enqueue(whole(R"("content":"the text")", "stop", "sim-other"));
    const auto answer = attempt(strict_one.chat(hello()));
    EXPECT_EQ(answer.error().code, errc::other_model);
    EXPECT_EQ(answer.error().partial_text, "the text");
    EXPECT_NE(answer.error().message.find("sim-other"), std::string::npos);

    server_.enqueue(script().expect_request().respond(
        200, "application/json",
        R"({"model":"sim-other","choices":[{"index":0,"text":"a","finish_reason":"stop"}]})"));
    EXPECT_EQ(attempt(strict_one.complete({"sim-chat", "hello"})).error().code, errc::other_model);
    EXPECT_EQ(run_on(io_, strict_one.chat(hello())).text(), "1 2 3 4 5");
}

TEST_P(Doubts, CallsChooseForThemselves)
{
    const auto strict_one = strict({.empty = true});
    call_options options;
    options.fail_on = answer_doubts();
    server_.enqueue(whole(R"("content":"")", "stop"));
    EXPECT_TRUE(attempt(strict_one.chat(hello(), options)));
    options.fail_on = answer_doubts{.empty = true};
    server_.enqueue(whole(R"("content":"")", "stop"));
    EXPECT_EQ(attempt(client_.chat(hello(), options)).error().code, errc::empty_answer);
    // The raw calls know nothing of answers.
    server_.enqueue(whole(R"("content":"")", "stop"));
    EXPECT_TRUE(attempt(strict_one.request({"GET", "/v1/models"})));
    server_.enqueue(empty_stream());
    EXPECT_EQ(run_on(io_, read_all(strict_one.stream_request({"GET", "/v1/models"}))), "...");
}

}  // namespace

}  // namespace regolo::test
