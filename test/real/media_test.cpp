// Files that a real framework receives and gives.

#include "real/media.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

namespace regolo::test {

namespace {

namespace json = boost::json;

/// Gives the content in pieces of one size.
upload::opener opener_of(std::shared_ptr<const std::string> content, std::size_t size)
{
    return [content, size]() -> upload::reader {
        auto given = std::make_shared<std::size_t>(0);
        return [content, size, given]() -> asio::awaitable<std::string> {
            auto piece = content->substr(std::min(*given, content->size()), size);
            *given += piece.size();
            co_return piece;
        };
    };
}

/// Gives without end: an answer alone can stop it.
upload::reader endless_reader()
{
    return []() -> asio::awaitable<std::string> { co_return std::string(100'000, 'x'); };
}

asio::awaitable<transcript> transcribe(transcription_request request, call_options options = {})
{
    const auto api = co_await make_client();
    co_return co_await api.transcribe(std::move(request), std::move(options));
}

/// What the server says that it received.
json::object received(const transcript& answer) { return answer.extra.at("received").as_object(); }

json::value field(const transcript& answer, std::string_view name)
{
    const auto fields = received(answer).at("fields").as_object();
    const auto* found = fields.if_contains(name);
    return found ? *found : json::value();
}

// ---- what arrives

TEST(RealMedia, AFileArrivesFromMemoryDiskAndSources)
{
    REGOLO_NEEDS("media");
    const auto content = std::make_shared<const std::string>(noise(3'000'000));
    const auto name = "regolo_real_" + std::to_string(::getpid()) + ".mp3";
    const auto path = std::filesystem::temp_directory_path() / name;
    std::ofstream(path, std::ios::binary) << *content;
    const auto open = opener_of(content, 70'000);
    const auto little = std::make_shared<const std::string>(noise(5000));
    const auto none = std::make_shared<const std::string>();
    struct way
    {
        std::string_view what;
        upload file;
        std::shared_ptr<const std::string> content;
        std::string_view framing;
    };
    const std::vector<way> ways = {
        {"memory", upload::bytes(*content, name), content, "length"},
        {"disk", upload::file(path), content, "length"},
        {"source", upload::source(open, name, content->size()), content, "length"},
        {"source without a size", upload::source(open, name), content, "chunked"},
        {"one shot", upload::one_shot(open(), name, content->size()), content, "length"},
        {"one shot without a size", upload::one_shot(open(), name), content, "chunked"},
        {"byte by byte", upload::source(opener_of(little, 1), name), little, "chunked"},
        {"nothing", upload::bytes("", name), none, "length"},
    };
    for (const auto& [what, file, sent, framing] : ways)
    {
        SCOPED_TRACE(what);
        const auto answer = run(transcribe({"media", file}), 60s);
        const auto told = received(answer);
        EXPECT_EQ(told.at("framing").as_string(), framing);
        const auto& arrived = told.at("file");
        EXPECT_EQ(arrived.at("name").as_string(), name);
        EXPECT_EQ(arrived.at("type").as_string(), "audio/mpeg");
        EXPECT_EQ(arrived.at("size"), sent->size());
        EXPECT_EQ(arrived.at("sha256").as_string(), sha256_of(*sent));
        EXPECT_EQ(field(answer, "model"), json::array{"media"});
    }
    std::filesystem::remove(path);
}

TEST(RealMedia, EachFieldArrives)
{
    REGOLO_NEEDS("media");
    transcription_request request("media", upload::bytes("RIFF", "citt\u00e0 \U0001f3db.wav"));
    request.language = "it";
    request.prompt = "Citt\u00e0 eterna: \"Roma\"\r\n--x\r\n";
    request.response_format = "verbose_json";
    request.temperature = 0.1;
    request.chunking_strategy = {{"type", "server_vad"}};
    request.include = {"logprobs", "another"};
    request.timestamp_granularities = {"word", "segment"};
    request.extra = {{"diarize", true},
                     {"beams", 5},
                     {"speakers", {"Anna", "Marco"}},
                     {"options", {{"vad", "no"}}},
                     {"citt\u00e0", "Roma"},
                     {"nothing", nullptr}};
    const auto answer = run(transcribe(request));
    const json::object wanted = {
        {"model", {"media"}},
        {"language", {"it"}},
        {"prompt", {"Citt\u00e0 eterna: \"Roma\"\r\n--x\r\n"}},
        {"response_format", {"verbose_json"}},
        {"temperature", {"0.1"}},
        {"chunking_strategy", {R"({"type":"server_vad"})"}},
        {"include[]", {"logprobs", "another"}},
        {"timestamp_granularities[]", {"word", "segment"}},
        {"diarize", {"true"}},
        {"beams", {"5"}},
        {"speakers[]", {"Anna", "Marco"}},
        {"options", {R"({"vad":"no"})"}},
        {"citt\u00e0", {"Roma"}},
    };
    EXPECT_EQ(received(answer).at("fields"), wanted);
    EXPECT_EQ(received(answer).at("file").at("name").as_string(), "citt\u00e0 \U0001f3db.wav");
    EXPECT_EQ(received(answer).at("file").at("type").as_string(), "audio/wav");
    EXPECT_EQ(received(answer).at("task").as_string(), "transcriptions");
    EXPECT_EQ(answer.language, "italian");
    EXPECT_EQ(answer.duration, 1.5);
    ASSERT_EQ(answer.segments.size(), 1U);
    EXPECT_EQ(answer.segments[0].no_speech_prob, 1e-12);
    ASSERT_EQ(answer.words.size(), 2U);
    EXPECT_EQ(answer.words[1].word, "Roma");
}

TEST(RealMedia, FileNamesStayWithinTheirQuotes)
{
    REGOLO_NEEDS("media");
    // As browsers and curl write them; the framework leaves the escapes as they are.
    transcription_request request("media", upload::bytes("RIFF", "a\"; name=\"b\r\nX: 1.wav"));
    const auto answer = run(transcribe(request));
    EXPECT_EQ(received(answer).at("file").at("name").as_string(), "a%22; name=%22b%0D%0AX: 1.wav");
    EXPECT_EQ(received(answer).at("file").at("field").as_string(), "file");
}

TEST(RealMedia, ATranscriptComesInEachFormat)
{
    REGOLO_NEEDS("media");
    const auto read = [](std::string_view format) {
        transcription_request request("media", upload::bytes("RIFF", "a.wav"));
        request.response_format = format;
        return run(transcribe(request));
    };
    EXPECT_TRUE(json::parse(read("text").text).is_object());
    EXPECT_TRUE(read("text").text.ends_with("\n"));
    EXPECT_TRUE(read("srt").text.starts_with("1\n00:00:00,000 --> 00:00:01,500\n{"));
    EXPECT_TRUE(read("vtt").text.starts_with("WEBVTT\n\n"));
    const auto plain = read("json");
    EXPECT_EQ(json::parse(plain.text).as_object(), received(plain));
    EXPECT_EQ(plain.usage.value().extra.at("seconds"), 2);
    const auto refused = [&]() -> asio::awaitable<error_info> {
        const auto api = co_await make_client();
        transcription_request request("media", upload::bytes("RIFF", "a.wav"));
        request.response_format = "papyrus";
        co_return co_await failure_of(api.transcribe(request));
    };
    EXPECT_EQ(run(refused()).code, errc::bad_request);
}

TEST(RealMedia, ATranslationHasAPathOfItsOwn)
{
    REGOLO_NEEDS("media");
    const auto translate = []() -> asio::awaitable<transcript> {
        const auto api = co_await make_client();
        co_return co_await api.translate({"media", upload::bytes("RIFF", "a.wav")});
    };
    EXPECT_EQ(received(run(translate())).at("task").as_string(), "translations");
}

// ---- what is refused while it is being sent

/// Files whose end no server sees.
std::vector<upload> endless_files()
{
    constexpr std::uint64_t huge = std::uint64_t{1} << 40;
    return {
        upload::source(endless_reader, "endless.wav"),
        upload::source(endless_reader, "huge.wav", huge),
        upload::one_shot(endless_reader(), "endless.wav"),
        upload::one_shot(endless_reader(), "huge.wav", huge),
    };
}

/// The upload fails, and the client serves on.
asio::awaitable<error_info> refusal_of(upload file, call_options options)
{
    const auto api = co_await make_client();
    transcription_request request("media", std::move(file));
    auto failure = co_await failure_of(api.transcribe(request, std::move(options)));
    request.file = upload::bytes("RIFF", "a.wav");
    const auto answer = co_await api.transcribe(request);
    EXPECT_EQ(answer.metadata.status, 200);
    EXPECT_EQ(api.stats().calls, 0U);
    co_return failure;
}

TEST(RealMedia, AWrongKeyEndsAnUpload)
{
    REGOLO_NEEDS("media");
    for (const auto& file : endless_files())
    {
        call_options options;
        options.key = std::string_view("a-wrong-key");
        const auto failure = run(refusal_of(file, options));
        EXPECT_EQ(failure.code, errc::unauthorized) << describe(failure);
        EXPECT_EQ(failure.http_status, 401);
        EXPECT_EQ(failure.server_message, "no such key");
        EXPECT_EQ(failure.attempts, 1);
    }
}

TEST(RealMedia, ABodyThatIsTooLargeEndsAnUpload)
{
    REGOLO_NEEDS("media");
    for (const auto& file : endless_files())
    {
        call_options options;
        options.headers.emplace_back("x-body-limit", "20000000");
        const auto failure = run(refusal_of(file, options), 30s);
        EXPECT_EQ(failure.code, errc::payload_too_large) << describe(failure);
        EXPECT_EQ(failure.http_status, 413);
        EXPECT_EQ(failure.server_message, "more than 20000000 bytes");
        EXPECT_EQ(failure.attempts, 1);
    }
}

// ---- what is given

/// What media_server.py says.
std::string spoken_bytes(std::size_t size)
{
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i != size; ++i)
        bytes[i] = static_cast<char>(i % 251);
    return bytes;
}

speech_request sentence(std::int64_t size)
{
    speech_request request("media", "Tell me something about Rome.", "alloy");
    request.extra["size"] = size;
    return request;
}

TEST(RealMedia, SpeechComesWholeAndInPieces)
{
    REGOLO_NEEDS("media");
    const auto listen = [](bool tell_length) -> asio::awaitable<void> {
        const auto api = co_await make_client();
        auto request = sentence(1'000'000);
        request.response_format = "wav";
        request.extra["tell_length"] = tell_length;
        const auto wanted = spoken_bytes(1'000'000);
        const auto whole = co_await api.speak(request);
        EXPECT_EQ(whole.media_type(), "audio/wav");
        EXPECT_TRUE(whole.audio == wanted);
        auto stream = co_await api.stream_speech(request);
        std::string pieces;
        std::string piece;
        while (co_await stream.next(piece))
            pieces += piece;
        EXPECT_TRUE(pieces == wanted);
        EXPECT_EQ(stream.ended_as(), stream_end::finished);
        EXPECT_EQ(api.stats().connections_opened, 1U);
    };
    run(listen(false));
    run(listen(true));
}

TEST(RealMedia, SpeechComesWhileItIsSpoken)
{
    REGOLO_NEEDS("media");
    const auto listen = []() -> asio::awaitable<void> {
        const auto api = co_await make_client();
        auto request = sentence(5 * 65'000);
        request.extra["pause"] = 0.3;
        const auto start = std::chrono::steady_clock::now();
        auto stream = co_await api.stream_speech(request);
        std::size_t size = 0;
        std::string piece;
        EXPECT_TRUE(co_await stream.next(piece));
        EXPECT_LT(std::chrono::steady_clock::now() - start, 1s);
        do
            size += piece.size();
        while (co_await stream.next(piece));
        EXPECT_EQ(size, 5U * 65'000);
        EXPECT_GT(std::chrono::steady_clock::now() - start, 1s);
        call_options options;
        options.time.idle = 100ms;
        EXPECT_EQ((co_await failure_of(api.speak(request, options))).code, errc::idle_timeout);
    };
    run(listen());
}

TEST(RealMedia, PicturesComeAsBytesOrAsUrls)
{
    REGOLO_NEEDS("media");
    const auto draw = [](std::string format) -> asio::awaitable<image_response> {
        const auto api = co_await make_client();
        image_request request("media", "A street in Rome");
        request.n = 2;
        request.size = "300x200";
        request.response_format = format;
        co_return co_await api.generate_images(request);
    };
    for (const auto& format : {"", "b64_json"})
    {
        const auto drawn = run(draw(format));
        ASSERT_EQ(drawn.data.size(), 2U);
        EXPECT_EQ(drawn.data[1].media_type(), "image/png");
        EXPECT_EQ(drawn.data[1].revised_prompt, "A street in Rome");
        EXPECT_EQ(drawn.bytes(1).substr(12, 12), std::string_view("IHDR\0\0\1\x2c\0\0\0\xc8", 12));
        EXPECT_TRUE(drawn.bytes(1).ends_with(std::string_view("IEND\xae\x42\x60\x82", 8)));
        EXPECT_NE(drawn.bytes(0), drawn.bytes(1));
    }
    const auto linked = run(draw("url"));
    EXPECT_EQ(linked.data.at(1).url, "https://127.0.0.1/picture/1.png");
    EXPECT_TRUE(linked.bytes(1).empty());
}

}  // namespace

}  // namespace regolo::test
