#include "integration/client_fixture.hpp"

#include <regolo/conversation.hpp>
#include <regolo/json.hpp>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace regolo::test {

namespace {

namespace json = boost::json;

std::string shape(const conversation& talk)
{
    std::string text;
    for (const auto& message : talk.history())
        text += message.role.substr(0, 1) + ':' + message.text() + '|';
    return text;
}

/// The roles of the messages that a request sent.
std::string roles(const received_request& request)
{
    std::string letters;
    const auto body = json::parse(request.body);
    for (const auto& each : body.at("messages").as_array())
        letters += each.at("role").as_string().front();
    return letters;
}

constexpr std::string_view tool_answer =
    R"({"id":"c1","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":)"
    R"("assistant","content":null,"tool_calls":[{"id":"t1","type":"function","function":)"
    R"({"name":"weather","arguments":"{\"city\":\"Rome\"}"}}]},"finish_reason":"tool_calls"}]})";

class Conversation : public ::testing::Test
{
protected:
    Conversation() : config(config_for(server)) { config.retry.max_retries = 0; }

    static chat_request settings() { return chat_request("sim-chat").system("You are a guide."); }

    /// Runs a test body with a conversation.
    template <class Body>
    void with(Body body)
    {
        const auto all = [&]() -> asio::awaitable<void> {
            const client one(co_await asio::this_coro::executor, config);
            conversation talk(one, settings());
            co_await body(talk);
            EXPECT_EQ(one.stats().calls, 0U);
        };
        run(all());
    }

    script answer(std::string_view text) const
    {
        return script().respond(200, "application/json", answer_json(text));
    }

    void next(script what) { server.enqueue("/v1/chat/completions", std::move(what)); }

    test_server server{server_options::plain()};
    client_config config;
};

asio::awaitable<std::string> read_text(chat_stream& stream)
{
    std::string text;
    while (auto chunk = co_await stream.next())
        text += chunk->text();
    co_return text;
}

TEST_F(Conversation, RemembersWhatWasSaid)
{
    next(answer("Rome is old."));
    next(answer("The Forum."));
    with([&](conversation& talk) -> asio::awaitable<void> {
        const auto first = co_await talk.say("Tell me about Rome.");
        EXPECT_EQ(first.text(), "Rome is old.");
        co_await talk.say("What should I see?");
        EXPECT_EQ(shape(talk),
                  "s:You are a guide.|u:Tell me about Rome.|a:Rome is old.|"
                  "u:What should I see?|a:The Forum.|");
    });
    EXPECT_EQ(roles(server.requests().at(1)), "suau");
    EXPECT_FALSE(contains(server.requests().at(1).body, "reasoning"));
}

TEST_F(Conversation, RemembersWhatWasStreamed)
{
    next(good_stream());
    next(answer("The Forum."));
    with([&](conversation& talk) -> asio::awaitable<void> {
        auto stream = co_await talk.say_stream("Greet me.");
        EXPECT_EQ(shape(talk), "s:You are a guide.|");
        EXPECT_EQ(co_await read_text(stream), "Hello Rome");
        EXPECT_EQ(shape(talk), "s:You are a guide.|u:Greet me.|a:Hello Rome|");
        co_await talk.say("And now?");
    });
    EXPECT_EQ(roles(server.requests().at(1)), "suau");
}

TEST_F(Conversation, AnErrorLeavesTheHistoryAsItWas)
{
    next(script().respond(500, "text/plain", "broken"));
    next(script().start_stream().event(chunk_json("Hel")).rst());
    next(answer("Rome is old."));
    with([&](conversation& talk) -> asio::awaitable<void> {
        EXPECT_EQ((co_await failure_of(talk.say("1"))).code, errc::server_error);
        EXPECT_EQ(shape(talk), "s:You are a guide.|");
        auto stream = co_await talk.say_stream("2");
        EXPECT_TRUE((co_await read_stream(std::move(stream))).failure);
        EXPECT_EQ(shape(talk), "s:You are a guide.|");
        co_await talk.say("3");
        EXPECT_EQ(shape(talk), "s:You are a guide.|u:3|a:Rome is old.|");
    });
    EXPECT_EQ(roles(server.requests().at(2)), "su");
}

TEST_F(Conversation, ADroppedStreamLeavesTheHistoryAsItWas)
{
    next(script().start_stream().event(chunk_json("Hel")).stall());
    next(answer("Rome is old."));
    with([&](conversation& talk) -> asio::awaitable<void> {
        {
            auto stream = co_await talk.say_stream("1");
            static_cast<void>(co_await stream.next());
        }
        EXPECT_EQ(shape(talk), "s:You are a guide.|");
        co_await talk.say("2");
        EXPECT_EQ(shape(talk), "s:You are a guide.|u:2|a:Rome is old.|");
    });
}

TEST_F(Conversation, StoppingKeepsWhatCameOrNot)
{
    for (const auto what : {on_stop::keep, on_stop::discard})
    {
        next(script().start_stream().event(chunk_json("Hello ")).stall());
        with([&](conversation& talk) -> asio::awaitable<void> {
            auto stream = co_await talk.say_stream("Greet me.");
            static_cast<void>(co_await stream.next());
            talk.stop(what);
            EXPECT_EQ((co_await failure_of(stream.next())).code, asio::error::operation_aborted);
            if (what == on_stop::discard)
            {
                EXPECT_EQ(shape(talk), "s:You are a guide.|");
                co_return;
            }
            EXPECT_EQ(shape(talk), "s:You are a guide.|u:Greet me.|a:Hello |");
            EXPECT_TRUE(talk.is_interrupted(2));
            EXPECT_FALSE(talk.is_interrupted(1));
        });
    }
}

TEST_F(Conversation, StoppingEndsAnAnswerThatHasArrivedWhole)
{
    for (const auto what : {on_stop::keep, on_stop::discard})
    {
        // In one piece: after the first chunk all of it waits to be taken.
        const auto events = "data: " + chunk_json("Hello ") +
                            "\n\ndata: " + chunk_json("Rome", "stop") + "\n\ndata: [DONE]\n\n";
        next(script().respond(200, "text/event-stream", events));
        with([&](conversation& talk) -> asio::awaitable<void> {
            auto stream = co_await talk.say_stream("Greet me.");
            EXPECT_EQ((co_await stream.next())->text(), "Hello ");
            talk.stop(what);
            chat_chunk chunk;
            EXPECT_FALSE(stream.try_next(chunk));
            EXPECT_EQ((co_await failure_of(stream.next())).code, asio::error::operation_aborted);
            EXPECT_EQ(stream.ended_as(), stream_end::closed);
            EXPECT_EQ(talk.history().size(), what == on_stop::keep ? 3U : 1U);
            EXPECT_EQ(talk.is_interrupted(2), what == on_stop::keep);
        });
    }
}

TEST_F(Conversation, StoppingThenDroppingKeepsAsWell)
{
    next(script().start_stream().event(chunk_json("Hello ")).stall());
    with([&](conversation& talk) -> asio::awaitable<void> {
        {
            auto stream = co_await talk.say_stream("Greet me.");
            static_cast<void>(co_await stream.next());
            talk.stop();
        }
        EXPECT_EQ(shape(talk), "s:You are a guide.|u:Greet me.|a:Hello |");
    });
}

TEST_F(Conversation, StoppingBeforeAnyTextLeavesNothing)
{
    next(script().stall());
    with([&](conversation& talk) -> asio::awaitable<void> {
        using namespace asio::experimental::awaitable_operators;
        asio::steady_timer soon(co_await asio::this_coro::executor, 20ms);
        const auto press = [&]() -> asio::awaitable<void> {
            co_await soon.async_wait(asio::use_awaitable);
            talk.stop();
        };
        const auto failure = co_await (failure_of(talk.say("1")) && press());
        EXPECT_EQ(failure.code, asio::error::operation_aborted);
        EXPECT_EQ(shape(talk), "s:You are a guide.|");
    });
}

TEST_F(Conversation, UnfinishedToolCallsAreNeverKept)
{
    const std::string piece =
        R"({"choices":[{"index":0,"delta":{"content":"Let me see","tool_calls":[{"index":0,"id":"t1",)"
        R"("type":"function","function":{"name":"weather","arguments":"{\"ci"}}]}}]})";
    next(script().start_stream().event(piece).stall());
    with([&](conversation& talk) -> asio::awaitable<void> {
        auto stream = co_await talk.say_stream("Weather?");
        static_cast<void>(co_await stream.next());
        talk.stop();
        static_cast<void>(co_await failure_of(stream.next()));
        EXPECT_EQ(talk.history().size(), 3U);
        EXPECT_TRUE(talk.history().back().tool_calls.empty());
        EXPECT_TRUE(talk.open_tool_calls().empty());
    });
}

TEST_F(Conversation, ToolCallsThatTheAnswerBreaksOffInAreNotKept)
{
    const auto answer_ending = [](std::string_view reason, std::string_view arguments) {
        return R"({"choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"t1",)"
               R"("type":"function","function":{"name":"weather","arguments":")" +
               std::string(arguments) + R"("}}]},"finish_reason":")" + std::string(reason) +
               "\"}]}";
    };
    for (const std::string_view reason : {"length", "content_filter", "stop", ""})
    {
        next(script().respond(200, "application/json", answer_ending(reason, R"({\"a\":)")));
        with([&](conversation& talk) -> asio::awaitable<void> {
            co_await talk.say("Weather?");
            EXPECT_TRUE(talk.open_tool_calls().empty()) << reason;
            EXPECT_EQ(talk.history().back().content, "") << reason;
        });
    }
    for (const std::string_view arguments : {"", "{}"})
    {
        next(script().respond(200, "application/json", answer_ending("stop", arguments)));
        with([&](conversation& talk) -> asio::awaitable<void> {
            co_await talk.say("Weather?");
            EXPECT_EQ(talk.open_tool_calls().size(), 1U) << arguments;
        });
    }
}

TEST_F(Conversation, CallsWithoutIdsAreAnsweredOneByOne)
{
    next(script().respond(200, "application/json",
                          R"({"choices":[{"index":0,"message":{"role":"assistant",
        "tool_calls":[{"function":{"name":"f","arguments":"{}"}},{"function":{"name":"g","arguments":"{}"}}]},
        "finish_reason":"tool_calls"}]})"));
    next(answer("Done."));
    with([&](conversation& talk) -> asio::awaitable<void> {
        co_await talk.say("Both.");
        talk.add_tool_result("", "1");
        EXPECT_EQ((co_await failure_of(talk.reply())).code, errc::invalid_request);
        talk.add_tool_result("", "2");
        EXPECT_THROW(talk.add_tool_result("", "3"), error);
        co_await talk.reply();
    });
}

TEST_F(Conversation, SendsNothingBackThatHasAnOddType)
{
    next(script().respond(
        200, "application/json",
        R"({"choices":[{"index":0,"message":{"role":5,"content":"Hello","name":[],"reasoning_content":"a","reasoning":"b"}}]})"));
    next(answer("Again."));
    with([&](conversation& talk) -> asio::awaitable<void> {
        co_await talk.say("1");
        co_await talk.say("2");
        talk.load(talk.save());
    });
    EXPECT_EQ(roles(server.requests().at(1)), "suau");
}

TEST_F(Conversation, TrimsByWhatPartsTake)
{
    auto trim = trim_to_tokens(1500);
    const auto picture = [] {
        return chat_message::user(
            {content_part::text_part("What is this?"),
             content_part::image_url("data:image/png;base64," + std::string(9999, 'A'))});
    };
    std::vector<chat_message> messages{picture(), chat_message::assistant("A dog."), picture()};
    trim(messages);
    EXPECT_EQ(messages.size(), 1U);
    messages = {chat_message::user({content_part::text_part(std::string(8000, 'a'))}),
                chat_message::assistant("Yes."), chat_message::user("More")};
    trim(messages);
    EXPECT_EQ(messages.size(), 1U);
}

TEST_F(Conversation, ToolCallsAreAnsweredBeforeAnythingElse)
{
    next(script().respond(200, "application/json", tool_answer));
    next(answer("Sunny."));
    with([&](conversation& talk) -> asio::awaitable<void> {
        co_await talk.say("Weather?");
        EXPECT_EQ(talk.open_tool_calls(), std::vector<std::string>{"t1"});
        EXPECT_FALSE(talk.history().back().content.has_value());
        const auto refused = co_await failure_of(talk.say("Hurry"));
        EXPECT_EQ(refused.code, errc::invalid_request);
        EXPECT_TRUE(contains(refused.message, "t1"));
        EXPECT_EQ((co_await failure_of(talk.reply())).code, errc::invalid_request);
        EXPECT_THROW(talk.add_tool_result("t2", "?"), error);
        talk.add_tool_result("t1", "sunny");
        const auto answer = co_await talk.reply();
        EXPECT_EQ(answer.text(), "Sunny.");
        EXPECT_EQ(shape(talk), "s:You are a guide.|u:Weather?|a:|t:sunny|a:Sunny.|");
    });
    EXPECT_EQ(server.counts().requests, 2U);
    EXPECT_EQ(roles(server.requests().at(1)), "suat");
}

TEST_F(Conversation, RegeneratesAndUndoes)
{
    next(answer("one"));
    next(script().respond(500, "text/plain", "broken"));
    next(answer("two"));
    with([&](conversation& talk) -> asio::awaitable<void> {
        EXPECT_FALSE(talk.undo());
        EXPECT_EQ((co_await failure_of(talk.regenerate())).code, errc::invalid_request);
        co_await talk.say("Say something.");
        EXPECT_EQ((co_await failure_of(talk.regenerate())).code, errc::server_error);
        EXPECT_EQ(shape(talk), "s:You are a guide.|u:Say something.|a:one|");
        co_await talk.regenerate();
        EXPECT_EQ(shape(talk), "s:You are a guide.|u:Say something.|a:two|");
        EXPECT_TRUE(talk.undo());
        EXPECT_EQ(shape(talk), "s:You are a guide.|");
    });
}

TEST_F(Conversation, HasOneTurnAtATime)
{
    next(good_stream());
    with([&](conversation& talk) -> asio::awaitable<void> {
        auto stream = co_await talk.say_stream("1");
        EXPECT_EQ((co_await failure_of(talk.say("2"))).code, errc::operation_in_progress);
        EXPECT_EQ(co_await read_text(stream), "Hello Rome");
        EXPECT_EQ(shape(talk), "s:You are a guide.|u:1|a:Hello Rome|");
    });
}

TEST_F(Conversation, IsSavedAndLoaded)
{
    next(script().respond(200, "application/json", tool_answer));
    next(script().start_stream().event(chunk_json("Hello ")).stall());
    with([&](conversation& talk) -> asio::awaitable<void> {
        co_await talk.say("Weather?");
        talk.add_tool_result("t1", "sunny");
        auto stream = co_await talk.reply_stream();
        static_cast<void>(co_await stream.next());
        talk.stop();
        static_cast<void>(co_await failure_of(stream.next()));
        const auto saved = json::parse(json::serialize(talk.save()));
        const auto before = shape(talk);
        talk.clear();
        EXPECT_EQ(shape(talk), "s:You are a guide.|");
        talk.load(saved);
        EXPECT_EQ(shape(talk), before);
        EXPECT_TRUE(talk.is_interrupted(4));
        EXPECT_EQ(talk.save(), saved);
        talk.load(json::object{{"lines", saved.at("messages")}});  // as the Python client writes it
        EXPECT_EQ(shape(talk), before);
        talk.load(saved.at("messages"));
        EXPECT_FALSE(talk.is_interrupted(4));
        for (const auto* bad : {"{}", "7", R"({"messages":[7]})", R"([{"content":"x"}])",
                                R"({"lines":7})", R"({"messages":[],"interrupted":[0]})",
                                R"({"messages":{}})", R"({"messages":[],"interrupted":"x"})"})
        {
            EXPECT_THROW(talk.load(json::parse(bad)), error) << bad;
            EXPECT_EQ(shape(talk), before);
        }
    });
}

TEST_F(Conversation, SendsATrimmedHistoryAndKeepsAllOfIt)
{
    for (int i = 0; i < 4; ++i)
        next(answer("ok"));
    with([&](conversation& talk) -> asio::awaitable<void> {
        talk.set_trimmer(trim_to_tokens(4, [](const chat_message&) { return std::size_t{1}; }));
        for (int i = 0; i < 4; ++i)
            co_await talk.say("question");
        EXPECT_EQ(talk.history().size(), 9U);
    });
    EXPECT_EQ(roles(server.requests().at(3)), "suau");
}

TEST_F(Conversation, OutlivesNothingItDoesNotHave)
{
    next(good_stream());
    const auto all = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        chat_stream stream;
        {
            conversation talk(one, settings());
            stream = co_await talk.say_stream("1");
        }
        EXPECT_EQ(co_await read_text(stream), "Hello Rome");
    };
    run(all());
}

TEST_F(Conversation, AStopTokenEndsTheTurn)
{
    next(script().start_stream().event(chunk_json("Hello ")).stall());
    std::stop_source button;
    const auto all = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        call_options options;
        options.stop = button.get_token();
        conversation talk(one, settings(), options);
        auto stream = co_await talk.say_stream("1");
        static_cast<void>(co_await stream.next());
        button.request_stop();
        EXPECT_EQ((co_await failure_of(stream.next())).code, asio::error::operation_aborted);
        EXPECT_EQ(shape(talk), "s:You are a guide.|");
    };
    run(all());
}

}  // namespace

}  // namespace regolo::test
