#include <regolo/background.hpp>
#include <regolo/testing/gate.hpp>
#include <regolo/testing/test_server.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

// What a program does that has never heard of Asio, which these tests do not name either.

namespace regolo::test {

using namespace regolo::testing;

namespace {

using namespace std::chrono_literals;

class Background : public ::testing::Test
{
protected:
    Background()
    {
        config.base_url = server.url();
        config.key = "test-key";
        config.retry.initial_delay = 1ms;
        config.retry.max_retries = 1;
    }

    static chat_request question(std::string_view model = "sim-chat")
    {
        return chat_request(model, "Tell me something about Rome.");
    }

    test_server server{server_options::plain()};
    client_config config;
};

std::string read_all(chat_job& job)
{
    std::string text;
    while (auto chunk = job.next())
        text += chunk->text();
    return text;
}

TEST_F(Background, AnswersWithFutures)
{
    background api(config);
    auto first = api.chat(question());
    auto second = api.complete({"sim-chat", "Once upon a time"});
    auto third = api.models();
    auto fourth = api.request({"GET", "/v1/models"});
    EXPECT_FALSE(first.get().text().empty());
    EXPECT_FALSE(second.get().text().empty());
    EXPECT_FALSE(third.get().data.empty());
    EXPECT_EQ(fourth.get().metadata.status, 200);
}

TEST_F(Background, AnswersOfEveryKindAreFutures)
{
    background api(config);
    const upload sound = upload::bytes("RIFF", "talk.wav");
    token_count_request count;
    count.model = "sim-chat";
    count.prompt = "Ciao Roma";
    EXPECT_EQ(api.embed({"sim-embedding", {"Rome", "Milan"}}).get().data.size(), 2U);
    EXPECT_EQ(api.generate_images({"sim-image", "A street"}).get().data.size(), 1U);
    EXPECT_FALSE(api.speak({"sim-speech", "Ciao", "alloy"}).get().audio.empty());
    EXPECT_FALSE(api.transcribe({"sim-whisper", sound}).get().text.empty());
    EXPECT_FALSE(api.translate({"sim-whisper", sound}).get().text.empty());
    EXPECT_EQ(api.rerank({"sim-rerank", "q", {"a", "b"}}).get().results.size(), 2U);
    EXPECT_GT(api.count_tokens(count).get().total_tokens, 0);
    EXPECT_FALSE(api.model_info().get().data.empty());
    EXPECT_FALSE(api.model_groups().get().data.empty());
    EXPECT_EQ(api.key_info().get().metadata.status, 200);
}

TEST_F(Background, AFutureThrowsTheErrorOfItsCall)
{
    background api(config);
    auto answer = api.chat(question("no-such-model"));
    try
    {
        answer.get();
        FAIL();
    }
    catch (const error& failure)
    {
        EXPECT_EQ(failure.code(), errc::not_found);
    }
}

TEST_F(Background, StreamsToACommandLine)
{
    background api(config);
    auto job = api.stream_chat(question());
    const auto text = read_all(job);
    EXPECT_FALSE(text.empty());
    EXPECT_EQ(job.partial().text(), text);
    EXPECT_EQ(job.partial().finish_reason(), "stop");
    EXPECT_EQ(job.metadata().status, 200);
    EXPECT_EQ(job.ended_as(), stream_end::done);
    EXPECT_TRUE(job.done());
    EXPECT_FALSE(job.next());
}

TEST_F(Background, StreamsToALoopThatPolls)
{
    background api(config);
    auto job = api.stream_completion({"sim-chat", "Once upon a time"});
    std::string text;
    while (!job.done())
    {
        while (auto chunk = job.try_next())
            text += chunk->text();
        std::this_thread::yield();
    }
    EXPECT_FALSE(text.empty());
    EXPECT_EQ(job.partial().text(), text);
}

TEST_F(Background, GivesWhatArrivedBeforeAnErrorAndThenThrowsIt)
{
    background api(config);
    auto job = api.stream_chat(question("error-mid-stream"));
    std::string text;
    const auto read = [&] {
        while (auto chunk = job.next())
            text += chunk->text();
    };
    EXPECT_THROW(read(), error);
    EXPECT_FALSE(text.empty());
    EXPECT_EQ(job.partial().text(), text);
    EXPECT_TRUE(job.done());
    EXPECT_THROW((void)job.try_next(), error);
    EXPECT_EQ(job.ended_as(), stream_end::failed);
}

TEST_F(Background, ALoopUntilItIsDoneCannotMissAnError)
{
    background api(config);
    auto job = api.stream_chat(question("no-such-model"));
    const auto poll = [&] {
        while (!job.done())
            (void)job.try_next();
    };
    EXPECT_THROW(poll(), error);
    EXPECT_TRUE(job.done());
}

TEST_F(Background, WaitsNoLongerThanAsked)
{
    background api(config);
    server.enqueue(script().expect_request().stall());
    auto job = api.stream_chat(question());
    EXPECT_FALSE(job.next_for(5ms));
    EXPECT_FALSE(job.done());
    EXPECT_FALSE(job.try_next());
}

TEST_F(Background, StopsFromAnyThread)
{
    background api(config);
    auto job = api.stream_chat(question("sim-endless"));
    ASSERT_TRUE(job.next());
    std::thread button([&] { job.stop(); });
    while (job.next())
    {}
    button.join();
    EXPECT_TRUE(job.done());
    EXPECT_EQ(job.ended_as(), stream_end::closed);
    EXPECT_FALSE(job.partial().text().empty());
    EXPECT_TRUE(server.wait_until([&] { return server.counts().closed_by_client == 1; }));
}

TEST_F(Background, AStopTokenOfTheCallStopsItAsWell)
{
    background api(config);
    std::stop_source button;
    call_options options;
    options.stop = button.get_token();
    auto job = api.stream_chat(question("sim-endless"), options);
    ASSERT_TRUE(job.next());
    button.request_stop();
    while (job.next())
    {}
    EXPECT_EQ(job.ended_as(), stream_end::closed);
}

TEST_F(Background, DroppingAJobStopsIt)
{
    background api(config);
    {
        auto job = api.stream_chat(question("sim-endless"));
        ASSERT_TRUE(job.next());
        auto moved = std::move(job);
        ASSERT_TRUE(moved.next());
        EXPECT_FALSE(job.next());
        EXPECT_TRUE(job.done());
    }
    EXPECT_TRUE(server.wait_until([&] { return server.counts().closed_by_client == 1; }));
}

TEST_F(Background, AReaderThatStopsPollingStopsTheServer)
{
    background api(config);
    server.enqueue(script().expect_request().start_stream().stream([](std::string& piece) {
        piece = http_chunk("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" +
                           std::string(64 * 1024, 'x') + "\"}}]}\n\n");
        return true;
    }));
    auto job = api.stream_chat(question());
    ASSERT_TRUE(job.next());
    // The buffers on the way fill up; what the background holds is bounded, so that nothing moves then.
    const auto written = [&] { return server.counts().pieces_written; };
    auto before = written();
    while (server.wait_until([&] { return written() != before; }, 100ms))
        before = written();
    for (std::size_t i = 0; i < background::max_buffered; ++i)
        EXPECT_TRUE(job.next());
    EXPECT_TRUE(server.wait_until([&] { return written() > before; }));
}

TEST_F(Background, TellsWhenSomethingIsReady)
{
    background api(config);
    gate more;
    server.enqueue(script()
                       .expect_request()
                       .start_stream()
                       .event(R"({"choices":[{"index":0,"delta":{"content":"a"}}]})")
                       .pause(more)
                       .event("[DONE]")
                       .end_stream());
    auto job = api.stream_chat(question());
    std::atomic<int> calls{0};
    gate first;
    job.on_ready([&] {
        if (++calls == 1)
            first.open();
    });
    ASSERT_TRUE(first.wait());
    EXPECT_EQ(job.try_next()->text(), "a");
    EXPECT_FALSE(job.try_next());
    gate end;
    job.on_ready([&] { end.open(); });
    more.open();
    ASSERT_TRUE(end.wait());
    EXPECT_TRUE(job.done());
    bool at_once = false;
    job.on_ready([&] { at_once = true; });
    EXPECT_TRUE(at_once);
}

TEST_F(Background, ADestroyedJobCallsNobody)
{
    background api(config);
    for (int i = 0; i < 100; ++i)
    {
        std::atomic<bool> gone{false};
        std::atomic<int> late{0};
        {
            auto job = api.stream_chat({"sim-chat", "count to 20"});
            job.on_ready([&] { late += gone; });
            static_cast<void>(job.next_for(std::chrono::milliseconds(i % 3)));
            if (i % 2 == 0)
            {
                job.on_ready({});
                gone = true;
            }
        }
        gone = true;
        EXPECT_EQ(late, 0);
    }
}

TEST_F(Background, AJobOutlivesItsBackground)
{
    std::optional<background> api(std::in_place, config);
    auto job = api->stream_chat(question("sim-endless"));
    auto waits = api->stream_chat(question("sim-endless"));
    ASSERT_TRUE(job.next());
    // The other one has as much as may wait by now, or will never have it.
    api.reset();
    const auto read = [&] {
        while (waits.next())
        {}
    };
    EXPECT_THROW(read(), error);
    EXPECT_TRUE(waits.done());
}

TEST_F(Background, ABadConfigurationIsThrownAtOnce)
{
    config.base_url = "nonsense";
    EXPECT_THROW(background api(config), error);
}

std::size_t scaled(std::size_t count)
{
    const char* const scale = std::getenv("REGOLO_TEST_SCALE");
    return scale != nullptr ? count * std::strtoul(scale, nullptr, 10) : count;
}

// Four threads, each with jobs of its own that are stopped at random moments from a fifth.
TEST_F(Background, IsUsedFromManyThreads)
{
    background api(config);
    const auto user = [&](unsigned seed) {
        std::mt19937 random(seed);
        for (std::size_t i = 0; i < scaled(25); ++i)
        {
            auto job = api.stream_chat(question("sim-endless"));
            const auto after = std::chrono::microseconds(random() % 3000);
            std::thread button([&job, after] {
                const auto until = std::chrono::steady_clock::now() + after;
                while (std::chrono::steady_clock::now() < until)
                    std::this_thread::yield();
                job.stop();
            });
            if (i % 2 == 0)
            {
                while (job.next())
                {}
            }
            else
            {
                while (!job.done())
                    (void)job.try_next();
            }
            button.join();
            EXPECT_EQ(job.ended_as(), stream_end::closed);
        }
    };
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 4; ++i)
        threads.emplace_back(user, i);
    for (auto& thread : threads)
        thread.join();
}

}  // namespace

}  // namespace regolo::test
