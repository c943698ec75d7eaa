#include "integration/client_fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

// What a client does before and after a call when it is asked to: look the model up, keep the body.

namespace regolo::test {

namespace {

class ModelCheck : public ::testing::Test
{
protected:
    ModelCheck() : config(config_for(server))
    {
        config.retry.max_retries = 0;
        config.check_models = true;
    }

    [[nodiscard]] std::ptrdiff_t lists_asked_for() const
    {
        const auto all = server.requests();
        return std::count_if(all.begin(), all.end(),
                             [](const auto& each) { return each.path() == "/v1/models"; });
    }

    test_server server{server_options::plain()};
    client_config config;
};

TEST_F(ModelCheck, RefusesAModelThatIsNotThereBeforeAnythingIsSent)
{
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        const auto refused = co_await failure_of(one.chat(question("sim-caht")));
        EXPECT_EQ(refused.code, errc::not_found);
        EXPECT_TRUE(contains(refused.message, "sim-caht"));
        EXPECT_TRUE(contains(refused.message, "sim-chat"));
        EXPECT_FALSE(refused.sent);
        EXPECT_EQ((co_await failure_of(one.stream_chat(question("sim-caht")))).code,
                  errc::not_found);
    };
    run(body());
    EXPECT_EQ(server.counts().requests, 1U) << "the list of models alone, and once";
}

TEST_F(ModelCheck, LooksAtTheModelThatIsSent)
{
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        embedding_request texts("no-such-model", "Rome");
        EXPECT_EQ((co_await failure_of(one.embed(texts))).code, errc::not_found);
        texts.extra["model"] = "sim-embedding";
        EXPECT_EQ((co_await one.embed(texts)).metadata.model_asked, "sim-embedding");
        transcription_request sound("sim-whisper", upload::bytes("RIFF", "a.wav"));
        sound.extra["model"] = "no-such-model";
        EXPECT_EQ((co_await failure_of(one.transcribe(sound))).code, errc::not_found);
    };
    run(body());
}

TEST_F(ModelCheck, AsksForTheListOnce)
{
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        for (int i = 0; i < 5; ++i)
            co_await one.chat(question());
        EXPECT_EQ((co_await stream_all(one, question())).ended_as, stream_end::done);
    };
    run(body());
    EXPECT_EQ(lists_asked_for(), 1);
    EXPECT_EQ(server.counts().requests, 7U);
}

TEST_F(ModelCheck, WithoutAListThereIsNoCall)
{
    server.enqueue("/v1/models", script().respond(500, "text/plain", "broken"));
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        EXPECT_EQ((co_await failure_of(one.chat(question()))).code, errc::server_error);
        co_await one.chat(question());
    };
    run(body());
}

TEST_F(ModelCheck, IsOffByDefault)
{
    config.check_models = false;
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        co_await one.chat(question());
    };
    run(body());
    EXPECT_EQ(lists_asked_for(), 0);
}

TEST_F(ModelCheck, KeepsTheBytesOfAnAnswerWhenAsked)
{
    const std::string body_text = answer_json("yes") + "  \n";
    for (int i = 0; i < 3; ++i)
        server.enqueue("/v1/chat/completions",
                       script().respond(200, "application/json", body_text));
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        call_options options;
        options.keep_body = true;
        EXPECT_EQ((co_await one.chat(question(), options)).metadata.body, body_text);
        EXPECT_EQ((co_await one.chat(question())).metadata.body, "");
        const auto raw = co_await one.request({"POST", "/v1/chat/completions", "{}"}, options);
        EXPECT_EQ(raw.metadata.body, body_text);
        EXPECT_EQ(raw.body, body_text);
    };
    run(body());
}

}  // namespace

}  // namespace regolo::test
