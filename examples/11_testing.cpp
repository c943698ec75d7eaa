// Testing a program of yours without a network: a function that retries a question in simpler words, and one that reads
// a stream, against regolo::testing and GoogleTest.

#include <regolo.hpp>
#include <regolo/testing.hpp>

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace asio = boost::asio;
using namespace regolo::testing;

// ---- the program

asio::awaitable<std::string> ask_simply(const regolo::client& client, std::string question)
{
    auto answer = co_await regolo::try_await(client.chat({"sim-chat", question}));
    if (!answer && answer.error().code == regolo::errc::bad_request)
        answer = co_await regolo::try_await(client.chat({"sim-chat", "In short: " + question}));
    co_return answer ? answer->text() : "no answer: " + answer.error().message;
}

asio::awaitable<std::size_t> count_words(regolo::chat_stream stream)
{
    std::size_t words = 0;
    while (auto chunk = co_await stream.next())
        words += chunk->text().empty() ? 0 : 1;
    co_return words;
}

// ---- its tests

regolo::client_config config_for(const test_server& server)
{
    regolo::client_config config;
    config.base_url = server.url();
    config.tls.ca_pem = server.ca_pem();
    config.key = "test-key";
    config.retry.initial_delay = std::chrono::milliseconds(1);
    return config;
}

asio::awaitable<std::string> ask_server(const test_server& server)
{
    const regolo::client client(co_await asio::this_coro::executor, config_for(server));
    co_return co_await ask_simply(client, "What is the capital of Italy?");
}

TEST(AskSimply, AsksAgainInFewerWords)
{
    test_server server;  // HTTPS on 127.0.0.1, and a simulation of the API
    server.enqueue("/v1/chat/completions", script().respond(400, "text/plain", "too long"));
    EXPECT_FALSE(run(ask_server(server)).empty());
    const auto requests = server.requests();
    ASSERT_EQ(requests.size(), 2U);
    EXPECT_NE(requests[1].body.find("In short: "), std::string::npos);
}

TEST(AskSimply, SurvivesAServerThatHasTooMuchToDo)
{
    test_server server;
    server.enqueue("/v1/chat/completions", script().respond(429, "text/plain", "slow down"));
    EXPECT_FALSE(run(ask_server(server)).empty());  // the client has asked again by itself
    EXPECT_EQ(server.counts().requests, 2U);
}

TEST(AskSimply, TellsWhenTheConnectionBreaks)
{
    test_server server;
    server.enqueue("/v1/chat/completions", script().send("HTTP/1.1 200 OK\r\n").rst());
    EXPECT_NE(run(ask_server(server)).find("no answer: "), std::string::npos);
}

TEST(CountWords, ReadsToTheEnd)
{
    auto stream = make_stream({make_chunk("Hello "), make_chunk("Rome", "stop")});
    EXPECT_EQ(run(count_words(std::move(stream))), 2U);
}

TEST(CountWords, TakesNoHalfAnswerForAWholeOne)
{
    auto stream = make_stream({make_chunk("Hello ")}, regolo::stream_end::finished);
    EXPECT_THROW(run(count_words(std::move(stream))), regolo::error);
}
