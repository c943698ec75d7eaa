#include "integration/client_fixture.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

// Files that are sent: where they come from, what arrives, and what ends the sending.

namespace regolo::test {

namespace {

/// A part of a form as it arrived.
struct form_part
{
    std::string head;
    std::string value;
};

/// Takes a multipart body apart, strictly.
std::vector<form_part> parts_of(const received_request& request)
{
    const std::string type(request.header("content-type"));
    const std::string mark = "multipart/form-data; boundary=";
    EXPECT_TRUE(type.starts_with(mark)) << type;
    const std::string line = "--" + type.substr(mark.size());
    std::vector<form_part> parts;
    std::string_view rest = request.body;
    EXPECT_TRUE(rest.starts_with(line + "\r\n"));
    rest.remove_prefix(std::min(rest.size(), line.size()));
    while (rest.starts_with("\r\n"))
    {
        const auto head_end = rest.find("\r\n\r\n");
        const auto end = rest.find("\r\n" + line, head_end + 2);
        if (head_end == rest.npos || end == rest.npos)
            break;
        parts.push_back({std::string(rest.substr(2, head_end - 2)),
                         std::string(rest.substr(head_end + 4, end - head_end - 4))});
        rest.remove_prefix(end + 2 + line.size());
    }
    EXPECT_EQ(rest, "--\r\n");
    return parts;
}

std::string field(const std::vector<form_part>& parts, std::string_view name)
{
    const std::string head = "Content-Disposition: form-data; name=\"" + std::string(name) + '"';
    std::string values;
    for (const auto& part : parts)
    {
        if (part.head == head || part.head.starts_with(head + "; "))
            values += (values.empty() ? "" : "|") + part.value;
    }
    return values;
}

/// Content that a source gives in pieces, each after a turn of the loop.
class pieces
{
public:
    pieces(std::string content, std::size_t size) : content_(std::move(content)), size_(size) {}

    asio::awaitable<std::string> operator()() { return next(shared_from(*this)); }

private:
    struct position
    {
        std::size_t at = 0;
    };
    static std::shared_ptr<pieces> shared_from(const pieces& from)
    {
        auto copy = std::make_shared<pieces>(from);
        return copy;
    }
    static asio::awaitable<std::string> next(std::shared_ptr<pieces> self)
    {
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
        auto& at = self->at_->at;
        auto piece = self->content_.substr(std::min(at, self->content_.size()), self->size_);
        at += piece.size();
        co_return piece;
    }

    std::string content_;
    std::size_t size_;
    std::shared_ptr<position> at_ = std::make_shared<position>();
};

std::string noise(std::size_t size)
{
    std::string bytes(size, '\0');
    std::uint32_t state = 1;
    for (auto& each : bytes)
    {
        state = state * 1664525 + 1013904223;
        each = static_cast<char>(state >> 24);
    }
    return bytes;
}

class Upload : public ::testing::TestWithParam<bool>
{
protected:
    static server_options options()
    {
        auto how = GetParam() ? server_options::https() : server_options::plain();
        how.receive_buffer = 4096;
        return how;
    }

    Upload() : config(config_for(server))
    {
        config.retry.max_retries = 0;
        server.on_request([](const received_request&) {
            return script().respond(200, "application/json", R"({"text":"Ciao Roma","x":1})");
        });
    }

    result<transcript> transcribe(transcription_request request, call_options options = {})
    {
        const auto body = [&]() -> asio::awaitable<result<transcript>> {
            const client one(co_await asio::this_coro::executor, config);
            co_return co_await try_await(one.transcribe(request, options));
        };
        return run(body());
    }

    std::vector<form_part> last_form() { return parts_of(server.requests().back()); }

    test_server server{options()};
    client_config config;
};

TEST_P(Upload, SendsEveryFieldOfAForm)
{
    transcription_request request("whisper", upload::bytes("RIFF", "talk.wav"));
    request.language = "it";
    request.prompt = "Foro Romano";
    request.response_format = "verbose_json";
    request.temperature = 0.2;
    request.chunking_strategy = {{"type", "server_vad"}};
    request.include = {"logprobs", "other"};
    request.timestamp_granularities = {"word", "segment"};
    request.extra["known_speakers"] = {"Anna", 2, nullptr};
    request.extra["diarize"] = true;
    request.extra["nothing"] = nullptr;
    const auto answer = transcribe(request);
    ASSERT_TRUE(answer) << describe(answer.error());
    EXPECT_EQ(answer->text, "Ciao Roma");
    EXPECT_EQ(answer->extra.at("x"), 1);

    const auto form = last_form();
    EXPECT_EQ(field(form, "model"), "whisper");
    EXPECT_EQ(field(form, "language"), "it");
    EXPECT_EQ(field(form, "prompt"), "Foro Romano");
    EXPECT_EQ(field(form, "response_format"), "verbose_json");
    EXPECT_EQ(field(form, "temperature"), "0.2");
    EXPECT_EQ(field(form, "chunking_strategy"), R"({"type":"server_vad"})");
    EXPECT_EQ(field(form, "include[]"), "logprobs|other");
    EXPECT_EQ(field(form, "timestamp_granularities[]"), "word|segment");
    EXPECT_EQ(field(form, "known_speakers[]"), "Anna|2");
    EXPECT_EQ(field(form, "diarize"), "true");
    EXPECT_EQ(form.size(), 14u);
    EXPECT_EQ(form.back().head,
              "Content-Disposition: form-data; name=\"file\"; filename=\"talk.wav\"\r\n"
              "Content-Type: audio/wav");
    EXPECT_EQ(form.back().value, "RIFF");
    EXPECT_EQ(server.requests().back().path(), "/v1/audio/transcriptions");
}

TEST_P(Upload, AnExtraFieldWins)
{
    transcription_request request("whisper", upload::bytes("RIFF", "a.wav"));
    request.language = "it";
    request.include = {"logprobs"};
    request.extra["language"] = "la";
    request.extra["include[]"] = boost::json::array{"mine"};
    ASSERT_TRUE(transcribe(request));
    const auto form = last_form();
    EXPECT_EQ(field(form, "language"), "la");
    EXPECT_EQ(field(form, "include[]"), "mine");
}

TEST_P(Upload, NamesCannotBreakOutOfTheForm)
{
    transcription_request request("whisper",
                                  upload::bytes("RIFF", "a\".wav\r\nX-Evil: 1\r\n\r\n--b"));
    ASSERT_TRUE(transcribe(request));
    const auto form = last_form();
    ASSERT_EQ(form.size(), 2u);
    EXPECT_NE(form.back().head.find("a%22.wav%0D%0AX-Evil: 1%0D%0A%0D%0A--b"), std::string::npos);
    request.file.content_type = "audio/wav\r\nX-Evil: 1";
    EXPECT_EQ(transcribe(request).error().code, errc::invalid_request);
}

TEST_P(Upload, ComesFromMemoryDiskAndSources)
{
    const auto content = noise(300'000);
    const auto path = std::filesystem::temp_directory_path() /
                      ("regolo_upload_" + std::to_string(server.port()) + ".mp3");
    std::ofstream(path, std::ios::binary) << content;
    const auto open = [&] { return upload::reader(pieces(content, 70'000)); };
    const std::vector<upload> files = {
        upload::bytes(content, "a.mp3"),
        upload::file(path),
        upload::source(open, "a.mp3", content.size()),
        upload::source(open, "a.mp3"),
        upload::one_shot(pieces(content, 1000), "a.mp3"),
        upload::source([] { return upload::reader(pieces("", 1)); }, "empty.mp3", 0),
    };
    for (const auto& file : files)
    {
        const auto answer = transcribe(transcription_request("whisper", file));
        ASSERT_TRUE(answer) << describe(answer.error());
        const auto form = last_form();
        ASSERT_EQ(form.size(), 2u);
        EXPECT_TRUE(form.back().value == (file.file_name == "empty.mp3" ? "" : content));
    }
    const auto requests = server.requests();
    EXPECT_TRUE(requests[2].has_header("content-length"));
    EXPECT_EQ(requests[3].header("transfer-encoding"), "chunked");
    EXPECT_FALSE(requests[3].has_header("content-length"));
    std::filesystem::remove(path);
}

TEST_P(Upload, EachAttemptOpensItsSource)
{
    config.retry.max_retries = 2;
    server.enqueue(script().expect_request().respond(503, "text/plain", "later"));
    server.enqueue(script().expect_request().respond(503, "text/plain", "later"));
    int opened = 0;
    const auto open = [&] {
        ++opened;
        return upload::reader(pieces("some sound", 4));
    };
    const auto answer = transcribe(transcription_request("whisper", upload::source(open, "a.wav")));
    ASSERT_TRUE(answer) << describe(answer.error());
    EXPECT_EQ(opened, 3);
    EXPECT_EQ(answer->metadata.attempts, 3);
    for (const auto& request : server.requests())
        EXPECT_EQ(parts_of(request).back().value, "some sound");
}

TEST_P(Upload, AOneShotSourceIsNeverReplayed)
{
    config.retry.max_retries = 2;
    server.enqueue(script().expect_request().respond(503, "text/plain", "later"));
    const auto file = upload::one_shot(pieces("some sound", 4), "a.wav");
    const auto first = transcribe(transcription_request("whisper", file));
    ASSERT_TRUE(first.has_error());
    EXPECT_EQ(first.error().code, errc::unavailable);
    EXPECT_EQ(first.error().attempts, 1);
    const auto second = transcribe(transcription_request("whisper", file));
    ASSERT_TRUE(second.has_error());
    EXPECT_EQ(second.error().code, errc::upload_failed);
    EXPECT_TRUE(contains(describe(second.error()), "used before"));
}

TEST_P(Upload, AOneShotSourceGetsAFreshConnection)
{
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        transcription_request request("whisper", upload::bytes("sound", "a.wav"));
        co_await one.transcribe(request);
        const auto again = co_await one.transcribe(request);
        EXPECT_TRUE(again.metadata.reused_connection);
        request.file = upload::one_shot(pieces("sound", 2), "a.wav");
        const auto answer = co_await one.transcribe(request);
        EXPECT_FALSE(answer.metadata.reused_connection);
    };
    run(body());
}

TEST_P(Upload, AOneShotSourceGetsAFreshConnectionInTheOnlyPlace)
{
    config.pool.max_connections = 1;
    config.time.queue = 5s;
    gate go_on;
    server.enqueue(script().expect_request().pause(go_on).respond(200, "application/json",
                                                                  R"({"text":"first"})"));
    const auto body = [&]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        const client one(executor, config);
        const transcription_request plain("whisper", upload::bytes("sound", "a.wav"));
        asio::co_spawn(executor, one.transcribe(plain),
                       [](const std::exception_ptr&, const transcript&) {});
        while (one.stats().in_use != 1)
            co_await asio::post(executor, asio::use_awaitable);
        // One waits until the connection is free, the other finds it idle.
        std::optional<transcript> waited;
        const auto note = [&](const std::exception_ptr& failure, const transcript& answer) {
            EXPECT_FALSE(failure);
            waited = answer;
        };
        const transcription_request once("whisper", upload::one_shot(pieces("sound", 2), "a.wav"));
        asio::co_spawn(executor, one.transcribe(once), note);
        while (one.stats().waiting != 1)
            co_await asio::post(executor, asio::use_awaitable);
        go_on.open();
        while (!waited)
            co_await asio::post(executor, asio::use_awaitable);
        EXPECT_FALSE(waited->metadata.reused_connection);
        EXPECT_EQ(one.stats().idle, 1U);
        const transcription_request last("whisper", upload::one_shot(pieces("sound", 2), "a.wav"));
        const auto answer = co_await one.transcribe(last);
        EXPECT_FALSE(answer.metadata.reused_connection);
        EXPECT_EQ(one.stats().connections_opened, 3U);
    };
    run(body());
}

TEST_P(Upload, TellsWhatIsWrongWithTheSource)
{
    struct broken
    {
        upload file;
        std::string_view words;
    };
    const auto throwing = [] {
        return upload::reader([]() -> asio::awaitable<std::string> {
            throw std::runtime_error("the microphone is gone");
            co_return "";
        });
    };
    const std::vector<broken> all = {
        {upload::source(throwing, "a.wav"), "the microphone is gone"},
        {upload::source(
             upload::opener([]() -> upload::reader { throw std::runtime_error("no microphone"); }),
             "a.wav"),
         "no microphone"},
        {upload::source([] { return upload::reader(pieces("abc", 3)); }, "a.wav", 4),
         "gave 3 bytes instead of the 4"},
        {upload::source([] { return upload::reader(pieces("abcdef", 6)); }, "a.wav", 4),
         "gave 6 or more bytes instead of the 4"},
        {upload::file("/no/such/file.wav"), "No such file"},
        {upload::file("/"), "directory"},
    };
    for (const auto& each : all)
    {
        const auto answer = transcribe(transcription_request("whisper", each.file));
        ASSERT_TRUE(answer.has_error()) << each.words;
        EXPECT_EQ(answer.error().code, errc::upload_failed) << describe(answer.error());
        EXPECT_EQ(answer.error().attempts <= 1, true);
        EXPECT_TRUE(contains(describe(answer.error()), each.words));
    }
    transcription_request twice("whisper", upload::bytes("a", "a.wav"));
    twice.extra["file"] = "b";
    EXPECT_EQ(transcribe(twice).error().code, errc::invalid_request);
    for (const std::string_view name :
         {std::string_view("a\0.wav", 6), std::string_view("\xff.wav")})
    {
        EXPECT_EQ(
            transcribe(transcription_request("whisper", upload::bytes("a", name))).error().code,
            errc::invalid_request);
    }
    EXPECT_EQ(transcribe(transcription_request("whisper", upload())).error().code,
              errc::invalid_request);
    EXPECT_EQ(transcribe(transcription_request("", upload::bytes("a", "a"))).error().code,
              errc::invalid_request);
}

TEST_P(Upload, ARefusalEndsTheSendingFromASource)
{
    server.enqueue(script()
                       .stop_reading()
                       .respond(401, "application/json", R"({"error":{"message":"who are you"}})")
                       .stall());
    // Endless: only the answer can end it.
    const auto endless = [] {
        return upload::reader(
            []() -> asio::awaitable<std::string> { co_return std::string(100'000, 'x'); });
    };
    const auto answer =
        transcribe(transcription_request("whisper", upload::source(endless, "a.wav")));
    ASSERT_TRUE(answer.has_error());
    EXPECT_EQ(answer.error().code, errc::unauthorized) << describe(answer.error());
    EXPECT_EQ(answer.error().server_message, "who are you");
}

TEST_P(Upload, ARefusalEndsTheWaitForASource)
{
    server.enqueue(script()
                       .stop_reading()
                       .respond(413, "application/json", R"({"error":{"message":"too long"}})")
                       .stall());
    const auto silent = [] {
        return upload::reader([]() -> asio::awaitable<std::string> {
            asio::steady_timer never(co_await asio::this_coro::executor,
                                     asio::steady_timer::time_point::max());
            co_await never.async_wait(asio::use_awaitable);
            co_return "";
        });
    };
    const auto answer =
        transcribe(transcription_request("whisper", upload::source(silent, "a.wav")));
    ASSERT_TRUE(answer.has_error());
    EXPECT_EQ(answer.error().code, errc::payload_too_large) << describe(answer.error());
}

TEST_P(Upload, CancellingEndsTheWaitForASource)
{
    std::stop_source button;
    call_options options;
    options.stop = button.get_token();
    const auto pressing = [&] {
        return upload::reader([&]() -> asio::awaitable<std::string> {
            button.request_stop();
            asio::steady_timer never(co_await asio::this_coro::executor,
                                     asio::steady_timer::time_point::max());
            co_await never.async_wait(asio::use_awaitable);
            co_return "";
        });
    };
    const auto answer =
        transcribe(transcription_request("whisper", upload::source(pressing, "a.wav")), options);
    ASSERT_TRUE(answer.has_error());
    EXPECT_EQ(answer.error().code, asio::error::operation_aborted) << describe(answer.error());
}

TEST_P(Upload, ReadsTranscriptsInEveryShape)
{
    struct shape
    {
        std::string_view type;
        std::string_view body;
        std::string_view text;
    };
    const std::vector<shape> shapes = {
        {"application/json", R"({"text":"1\n00:00","usage":null})", "1\n00:00"},
        {"text/plain; charset=utf-8", "Ciao\n", "Ciao\n"},
        {"text/vtt", "WEBVTT\n\n", "WEBVTT\n\n"},
        {"text/html; charset=utf-8", "Ciao", "Ciao"},
        {"text/plain", "{laughs}", "{laughs}"},
        {"text/plain", R"({"text":"Ciao"})", "Ciao"},
        {"text/plain", "<|it|> ciao", "<|it|> ciao"},
        {"application/x-subrip", "", ""},
        {"text/plain; charset=utf-8", "", ""},
        {"text/vtt", "", ""},
        {"application/json", R"("Ciao")", "Ciao"},
    };
    for (const auto& each : shapes)
    {
        server.enqueue(script().expect_request().respond(200, each.type, each.body));
        const auto answer =
            transcribe(transcription_request("whisper", upload::bytes("a", "a.wav")));
        ASSERT_TRUE(answer) << each.body << describe(answer.error());
        EXPECT_EQ(answer->text, each.text);
    }
    const std::vector<shape> errors = {
        {"text/html", "<html><body>Login</body></html>", "HTML"},
        {"application/json", R"({"error":{"message":"no model loaded","code":"503"}})", "no model"},
        {"application/json", R"({"txt":"Ciao"})", "\"text\""},
        {"application/json", R"({"text":7})", "\"text\""},
        {"application/json", "", "empty"},
        {"text/html", "", "empty"},
        {"text/plain", R"({"error":{"message":"no model loaded","code":503}})", "no model"},
        {"text/plain", "<!DOCTYPE html><title>Login</title>", "HTML"},
    };
    for (const auto& each : errors)
    {
        server.enqueue(script().expect_request().respond(200, each.type, each.body));
        const auto answer =
            transcribe(transcription_request("whisper", upload::bytes("a", "a.wav")));
        ASSERT_TRUE(answer.has_error()) << each.body;
        EXPECT_TRUE(contains(describe(answer.error()), each.text));
    }
}

TEST_P(Upload, ReadsTimesAndWords)
{
    server.enqueue(script().expect_request().respond(
        200, "application/json",
        R"({"task":"transcribe","language":"italian","duration":2.5,"text":"Ciao Roma",
            "segments":[{"id":0,"seek":0,"start":0.0,"end":2.5,"text":"Ciao Roma","tokens":[1,2],
                         "temperature":0,"avg_logprob":-0.3,"compression_ratio":1,"no_speech_prob":0.1}],
            "words":[{"word":"Ciao","start":0,"end":1.25,"probability":0.9}],
            "usage":{"type":"duration","seconds":3}})"));
    const auto answer = transcribe(transcription_request("whisper", upload::bytes("a", "a.wav")));
    ASSERT_TRUE(answer) << describe(answer.error());
    EXPECT_EQ(answer->language, "italian");
    EXPECT_EQ(answer->duration, 2.5);
    ASSERT_EQ(answer->segments.size(), 1u);
    EXPECT_EQ(answer->segments[0].tokens, (std::vector<std::int64_t>{1, 2}));
    EXPECT_EQ(answer->segments[0].avg_logprob, -0.3);
    EXPECT_EQ(answer->segments[0].extra.at("seek"), 0);
    ASSERT_EQ(answer->words.size(), 1u);
    EXPECT_EQ(answer->words[0].end, 1.25);
    EXPECT_EQ(answer->words[0].extra.at("probability"), 0.9);
    EXPECT_EQ(answer->usage->extra.at("seconds"), 3);
    EXPECT_EQ(answer->extra.at("task"), "transcribe");
}

TEST_P(Upload, GivesATranscriptAsItGrows)
{
    server.enqueue(script().expect_request().respond(
        200, "text/event-stream",
        "data: {\"type\":\"transcript.text.delta\",\"delta\":\"Ciao\"}\n\n"
        "data: {\"type\":\"transcript.text.delta\",\"delta\":\" Roma\"}\n\n"
        "data: {\"type\":\"transcript.text.done\",\"text\":\"Ciao Roma\"}\n\n"));
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        auto stream = co_await one.stream_transcription({"whisper", upload::bytes("a", "a.wav")});
        std::vector<std::string> texts;
        while (auto text = co_await stream.next_text())
            texts.push_back(*text);
        EXPECT_EQ(texts, (std::vector<std::string>{"Ciao", " Roma"}));
        EXPECT_EQ(stream.ended_as(), stream_end::finished);
        EXPECT_EQ(stream.final().text, "Ciao Roma");
        EXPECT_EQ(stream.final().metadata.status, 200);

        // The gateway takes no notice of "stream" and sends the transcript at the end.
        auto whole = co_await one.stream_transcription({"whisper", upload::bytes("a", "a.wav")});
        const auto chunk = co_await whole.next();
        EXPECT_EQ(chunk->text(), "Ciao Roma");
        EXPECT_EQ(to_json(*chunk).at("x"), 1);
        EXPECT_FALSE(co_await whole.next());
        EXPECT_EQ(whole.final().extra.at("x"), 1);
    };
    run(body());
    EXPECT_EQ(field(last_form(), "stream"), "true");
    EXPECT_EQ(server.requests().back().header("accept"), "text/event-stream");
}

TEST_P(Upload, ATranscriptThatStopsGrowingIsNotWhole)
{
    server.enqueue(script().expect_request().respond(
        200, "text/event-stream",
        "data: {\"type\":\"transcript.text.delta\",\"delta\":\"Ciao\"}\n\n"));
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        auto stream = co_await one.stream_transcription({"whisper", upload::bytes("a", "a.wav")});
        EXPECT_EQ(co_await stream.next_text(), "Ciao");
        const auto next = co_await try_await(stream.next());
        EXPECT_EQ(next.error().code, errc::truncated);
        EXPECT_FALSE(next.error().call_id.empty());
        EXPECT_EQ(stream.partial().text, "Ciao");
        EXPECT_THROW(static_cast<void>(stream.final()), error);
    };
    run(body());
}

TEST_P(Upload, TranslatesOnAnotherPath)
{
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        const auto answer = co_await one.translate({"whisper", upload::bytes("a", "a.wav")});
        EXPECT_EQ(answer.text, "Ciao Roma");
    };
    run(body());
    EXPECT_EQ(server.requests().back().path(), "/v1/audio/translations");
}

TEST(ImageFile, IsAPartOfAMessage)
{
    const auto path = std::filesystem::temp_directory_path() /
                      ("regolo_image_" + std::to_string(::getpid()) + ".dat");
    std::ofstream(path, std::ios::binary) << "GIF89a and pixels";
    EXPECT_EQ(image_file(path).url, "data:image/gif;base64,R0lGODlhIGFuZCBwaXhlbHM=");
    std::ofstream(path, std::ios::binary) << "no picture";
    const auto code_of = [](const std::filesystem::path& which) {
        try
        {
            static_cast<void>(image_file(which));
            return make_error_code(errc::api_error);
        }
        catch (const error& failure)
        {
            return failure.code();
        }
    };
    EXPECT_EQ(code_of(path), errc::invalid_request);
    EXPECT_EQ(image_file(path, "image/bmp").url, "data:image/bmp;base64,bm8gcGljdHVyZQ==");
    std::ofstream(path, std::ios::binary | std::ios::trunc).close();
    EXPECT_EQ(code_of(path), errc::invalid_request);
    std::filesystem::remove(path);
    EXPECT_EQ(code_of(path), errc::upload_failed);
    EXPECT_EQ(code_of("/"), errc::upload_failed);
}

TEST(UploadOverTls, AOneShotSourceThatWasNotOpenedLetsTheCallTryAgain)
{
    test_server server(server_options::https());
    auto config = config_for(server);
    config.retry.max_retries = 1;
    server.enqueue(script().open_with(opening::fin));
    server.enqueue(
        script().expect_request().respond(200, "application/json", R"({"text":"Ciao"})"));
    const auto file = upload::one_shot(pieces("some sound", 4), "a.wav");
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        const auto answer = co_await one.transcribe({"whisper", file});
        EXPECT_EQ(answer.metadata.attempts, 2);
    };
    run(body());
}

INSTANTIATE_TEST_SUITE_P(Transports, Upload, ::testing::Bool(),
                         [](const auto& which) { return which.param ? "Tls" : "Plain"; });

}  // namespace

}  // namespace regolo::test
