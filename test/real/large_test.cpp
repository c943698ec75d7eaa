// Large files, sent and fetched: the memory they take, and what is left of them when they are cancelled half way.

#include "real/media.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <variant>

namespace regolo::test {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t mib = 1024 * 1024;
constexpr std::uint64_t most_memory = 64 * mib;
constexpr std::uint64_t download_size = 256 * mib;

std::uint64_t upload_size()
{
    const char* told = std::getenv("REGOLO_REAL_MIB");
    return std::clamp<std::uint64_t>(told ? std::strtoull(told, nullptr, 10) : 256, 16, 1024) * mib;
}

// ---- what the process takes

/// A line of /proc/self/status that tells of memory, in bytes.
std::uint64_t memory(const std::string& name)
{
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
    {
        if (line.starts_with(name + ":"))
            return std::strtoull(line.c_str() + name.size() + 1, nullptr, 10) * 1024;
    }
    return 0;
}

/// The most memory that the process takes while this lives.
class memory_peak
{
public:
    memory_peak()
    {
        std::ofstream forget("/proc/self/clear_refs");
        forget << "5" << std::flush;
        // Containers may forbid it: then only the samples count.
        is_exact_ = forget.good() && memory("VmHWM") <= memory("VmRSS") + mib;
    }

    /// Has to be awaited beside what is measured.
    asio::awaitable<void> sample()
    {
        for (;;)
        {
            highest_ = std::max(highest_, memory("VmRSS"));
            co_await pause(20ms);
        }
    }

    [[nodiscard]] std::uint64_t bytes() const
    {
        return is_exact_ ? memory("VmHWM") : std::max(highest_, memory("VmRSS"));
    }

private:
    std::uint64_t highest_ = 0;
    bool is_exact_ = false;
};

std::ptrdiff_t open_files()
{
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
}

/// How far this process has read the file, where it has opened it.
std::optional<std::uint64_t> position_in(const fs::path& path)
{
    for (const auto& entry : fs::directory_iterator("/proc/self/fd"))
    {
        std::error_code failed;
        if (fs::read_symlink(entry, failed) != path)
            continue;
        std::ifstream info("/proc/self/fdinfo" / entry.path().filename());
        std::string name;
        std::uint64_t position = 0;
        info >> name >> position;
        return position;
    }
    return std::nullopt;
}

// ---- a large file

/// Holes, and a little noise in 64 places: its place in the order of the file tells a piece from another.
class sparse_file
{
public:
    explicit sparse_file(std::uint64_t size)
        : path_(fs::canonical(fs::temp_directory_path()) /
                ("regolo_real_" + std::to_string(::getpid()) + ".wav")),
          size_(size)
    {
        std::ofstream file(path_, std::ios::binary);
        file.close();
        fs::resize_file(path_, size);
        std::fstream again(path_, std::ios::binary | std::ios::in | std::ios::out);
        for (std::uint32_t i = 0; i != places; ++i)
        {
            again.seekp(static_cast<std::streamoff>(size / places * i));
            again << noise(5000, i);
        }
    }
    ~sparse_file() { fs::remove(path_); }
    sparse_file(const sparse_file&) = delete;
    sparse_file& operator=(const sparse_file&) = delete;

    [[nodiscard]] const fs::path& path() const { return path_; }
    [[nodiscard]] std::uint64_t size() const { return size_; }

    [[nodiscard]] std::string sha256_text() const
    {
        sha256 sum;
        std::ifstream file(path_, std::ios::binary);
        std::string piece(mib, '\0');
        while (file.read(piece.data(), static_cast<std::streamsize>(piece.size())) ||
               file.gcount() > 0)
            sum.add(std::string_view(piece).substr(0, static_cast<std::size_t>(file.gcount())));
        return sum.text();
    }

private:
    static constexpr std::uint32_t places = 64;

    fs::path path_;
    std::uint64_t size_;
};

asio::awaitable<transcript> transcribe(const client& api, upload file, call_options options = {})
{
    transcription_request request("media", std::move(file));
    co_return co_await api.transcribe(std::move(request), std::move(options));
}

asio::awaitable<transcript> upload_watched(upload file, memory_peak& peak)
{
    using namespace asio::experimental::awaitable_operators;
    const auto api = co_await make_client();
    auto either = co_await (transcribe(api, std::move(file)) || peak.sample());
    co_return std::get<0>(std::move(either));
}

TEST(RealLarge, AFileIsSentWithoutBeingHeld)
{
    REGOLO_NEEDS("media");
    const sparse_file file(upload_size());
    memory_peak peak;
    const auto answer = run(upload_watched(upload::file(file.path()), peak), 300s);
    EXPECT_LT(peak.bytes(), most_memory);
    const auto told = answer.extra.at("received").at("file");
    EXPECT_EQ(told.at("size"), file.size());
    EXPECT_EQ(told.at("sha256").as_string(), file.sha256_text());
}

/// A reader of the file that gives large pieces, and no size.
upload::reader reader_of(const fs::path& path)
{
    auto file = std::make_shared<std::ifstream>(path, std::ios::binary);
    return [file]() -> asio::awaitable<std::string> {
        std::string piece(mib, '\0');
        file->read(piece.data(), static_cast<std::streamsize>(piece.size()));
        piece.resize(static_cast<std::size_t>(file->gcount()));
        co_return piece;
    };
}

TEST(RealLarge, ASourceIsSentWithoutBeingHeld)
{
    REGOLO_NEEDS("media");
    const sparse_file file(upload_size());
    memory_peak peak;
    const auto answer =
        run(upload_watched(upload::one_shot(reader_of(file.path()), "large.wav"), peak), 300s);
    EXPECT_LT(peak.bytes(), most_memory);
    const auto told = answer.extra.at("received");
    EXPECT_EQ(told.at("framing").as_string(), "chunked");
    EXPECT_EQ(told.at("file").at("size"), file.size());
    EXPECT_EQ(told.at("file").at("sha256").as_string(), file.sha256_text());
}

asio::awaitable<error_info> refuse(const sparse_file& file)
{
    const auto api = co_await make_client();
    call_options options;
    options.key = std::string_view("a-wrong-key");
    auto failure = co_await failure_of(transcribe(api, upload::file(file.path()), options));
    EXPECT_FALSE(position_in(file.path()));
    co_return failure;
}

TEST(RealLarge, AWrongKeyEndsTheSendingOfAFile)
{
    REGOLO_NEEDS("media");
    const sparse_file file(upload_size());
    const auto failure = run(refuse(file));
    EXPECT_EQ(failure.code, errc::unauthorized) << describe(failure);
    EXPECT_EQ(failure.server_message, "no such key");
}

// ---- a large answer

speech_request long_speech()
{
    speech_request request("media", "Tell me everything about Rome.", "alloy");
    request.extra["size"] = download_size;
    return request;
}

/// Compares with what media_server.py says: bytes that count from 0 to 250 and begin again.
class listener
{
public:
    listener()
    {
        for (std::size_t i = 0; i != 251 + std::size_t{64} * 1024; ++i)
            pattern_ += static_cast<char>(i % 251);
    }

    void hear(std::string_view piece)
    {
        const auto expected = std::string_view(pattern_).substr(size_ % 251, piece.size());
        is_right_ = is_right_ && piece == expected;
        size_ += piece.size();
    }

    [[nodiscard]] bool is_right() const { return is_right_; }
    [[nodiscard]] std::uint64_t size() const { return size_; }

private:
    std::string pattern_;
    std::uint64_t size_ = 0;
    bool is_right_ = true;
};

asio::awaitable<void> hear_all(const client& api, listener& ear)
{
    auto stream = co_await api.stream_speech(long_speech());
    const auto count = co_await stream.write_to([&ear](std::string_view piece) {
        ear.hear(piece);
        return []() -> asio::awaitable<void> { co_return; }();
    });
    EXPECT_EQ(count, download_size);
    EXPECT_EQ(stream.ended_as(), stream_end::finished);
}

asio::awaitable<void> download_watched(listener& ear, memory_peak& peak)
{
    using namespace asio::experimental::awaitable_operators;
    const auto api = co_await make_client();
    co_await (hear_all(api, ear) || peak.sample());
}

TEST(RealLarge, AnAnswerIsReadWithoutBeingHeld)
{
    REGOLO_NEEDS("media");
    listener ear;
    memory_peak peak;
    run(download_watched(ear, peak), 300s);
    EXPECT_LT(peak.bytes(), most_memory);
    EXPECT_EQ(ear.size(), download_size);
    EXPECT_TRUE(ear.is_right());
}

asio::awaitable<void> read_slowly()
{
    const auto api = co_await make_client();
    auto stream = co_await api.stream_speech(long_speech());
    EXPECT_TRUE(co_await stream.next());
    // What nobody takes stays with the server.
    co_await pause(1s);
    EXPECT_EQ((co_await state_of(api)).running, 1);
    stream.close();
}

TEST(RealLarge, AnAnswerThatNobodyReadsIsNotHeldEither)
{
    REGOLO_NEEDS("media");
    memory_peak peak;
    run(read_slowly());
    EXPECT_LT(peak.bytes(), most_memory);
}

// ---- left half way

/// What a cancelled call must leave: nothing here, and a server that has noticed.
struct remains
{
    explicit remains(server_state at_first) : before(at_first), files(open_files()) {}

    asio::awaitable<void> check(const client& api) const
    {
        EXPECT_EQ(api.stats().calls, 0U);
        EXPECT_EQ(api.stats().in_use, 0U);
        EXPECT_LE(open_files(), files);
        const auto after = co_await state_at_rest(api);
        EXPECT_EQ(after.left, before.left + 1);
        EXPECT_EQ(open_files(), files);
    }

    server_state before;
    std::ptrdiff_t files;  ///< with the connection that asked for the state, which is kept
};

asio::awaitable<void> stop_half_way(fs::path path, std::uint64_t half, std::stop_source& button)
{
    for (;;)
    {
        if (position_in(path).value_or(0) >= half)
            break;
        co_await pause(1ms);
    }
    button.request_stop();
}

asio::awaitable<void> cancel_upload(const sparse_file& file)
{
    const auto api = co_await make_client();
    const auto first = co_await state_at_rest(api);
    const remains left(first);
    std::stop_source button;
    call_options options;
    options.stop = button.get_token();
    asio::co_spawn(co_await asio::this_coro::executor,
                   stop_half_way(file.path(), file.size() / 2, button),
                   [](std::exception_ptr failure) { EXPECT_FALSE(failure); });
    const auto failure =
        co_await failure_of(transcribe(api, upload::file(file.path()), std::move(options)));
    EXPECT_EQ(failure.code, asio::error::operation_aborted) << describe(failure);
    EXPECT_FALSE(position_in(file.path()));
    co_await left.check(api);
}

TEST(RealLarge, AnUploadCancelledHalfWayLeavesNothing)
{
    REGOLO_NEEDS("media");
    const sparse_file file(upload_size());
    run(cancel_upload(file), 60s);
}

asio::awaitable<void> cancel_download(bool by_stop)
{
    const auto api = co_await make_client();
    const auto first = co_await state_at_rest(api);
    const remains left(first);
    std::stop_source button;
    call_options options;
    options.stop = button.get_token();
    auto stream = co_await api.stream_speech(long_speech(), options);
    listener ear;
    std::string piece;
    while (ear.size() < download_size / 2 && co_await stream.next(piece))
        ear.hear(piece);
    EXPECT_TRUE(ear.is_right());
    if (by_stop)
    {
        button.request_stop();
        const auto failure = co_await failure_of(stream.next());
        EXPECT_EQ(failure.code, asio::error::operation_aborted) << describe(failure);
    }
    else
        stream.close();
    EXPECT_EQ(stream.ended_as(), stream_end::closed);
    co_await left.check(api);
}

TEST(RealLarge, ADownloadCancelledHalfWayLeavesNothing)
{
    REGOLO_NEEDS("media");
    run(cancel_download(true), 60s);
}

TEST(RealLarge, ADownloadClosedHalfWayLeavesNothing)
{
    REGOLO_NEEDS("media");
    run(cancel_download(false), 60s);
}

}  // namespace

}  // namespace regolo::test
