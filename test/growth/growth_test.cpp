// What an answer costs grows with its length and no faster. Counted are the bytes that are allocated, which do not depend
// on the machine: to copy what has arrived at each chunk, or to grow by a fixed step, would be seen in them.

#include "stream_state.hpp"
#include "support/lone_source.hpp"

#include <regolo/chat_accumulator.hpp>
#include <regolo/testing/run.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace {

std::atomic<std::size_t> allocated{0};

void* allocate(std::size_t size)
{
    allocated += size;
    if (void* place = std::malloc(size == 0 ? 1 : size))  // NOLINT: this is operator new
        return place;
    throw std::bad_alloc();
}

}  // namespace

// NOLINTBEGIN
void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void operator delete(void* place) noexcept { std::free(place); }
void operator delete[](void* place) noexcept { std::free(place); }
void operator delete(void* place, std::size_t) noexcept { std::free(place); }
void operator delete[](void* place, std::size_t) noexcept { std::free(place); }
// NOLINTEND

namespace regolo::test {
namespace {

namespace asio = boost::asio;

constexpr std::size_t KiB = 1024;
constexpr std::size_t MiB = 1024 * KiB;

/// The kinds of answer.
enum class kind
{
    text,       // in deltas of 4 bytes
    arguments,  // of a tool call, in deltas of 8 bytes
};

std::size_t delta_size(kind what) { return what == kind::text ? 4 : 8; }

/// The events of a stream, made while they are asked for.
class event_source final : public lone_source
{
public:
    event_source(kind what, std::size_t size) : left_(size / delta_size(what))
    {
        head_.status = 200;
        head_.headers.emplace_back("content-type", "text/event-stream");
        const std::string begin = R"(data: {"choices":[{"index":0,"delta":{)";
        const std::string event =
            what == kind::text
                ? begin + R"("content":"abcd"}}]})"
                : begin + R"("tool_calls":[{"index":0,"function":{"arguments":"abcdefgh"}}]}}]})";
        for (std::size_t i = 0; i != batch; ++i)
            events_ += event + "\n\n";
        last_ = begin + R"(},"finish_reason":"stop"}]})" + "\n\ndata: [DONE]\n\n";
    }

    core::response_head take_head() noexcept override { return std::move(head_); }
    detail::feed_state take(std::span<const std::string_view>& pieces) override
    {
        if (left_ == 0 && std::exchange(ended_, true))
            return detail::feed_state::end;
        piece_ = left_ == 0 ? last_ : events_;
        pieces = {&piece_, 1};
        left_ -= std::min(left_, batch);
        return detail::feed_state::bytes;
    }

private:
    static constexpr std::size_t batch = 64;  // events in a piece

    std::size_t left_;
    std::string events_;
    std::string last_;
    std::string_view piece_;
    core::response_head head_;
    bool ended_ = false;
};

std::size_t length_of(kind what, const chat_response& answer)
{
    return what == kind::text ? answer.text().size() : answer.tool_calls().at(0).arguments.size();
}

/// The bytes that a function allocates.
std::size_t cost_of(const std::function<void()>& function)
{
    const auto before = allocated.load();
    function();
    return allocated.load() - before;
}

void accumulate(kind what, std::size_t size)
{
    chat_chunk chunk;
    auto& delta = chunk.choices.emplace_back().delta;
    if (what == kind::text)
    {
        delta.content = "abcd";
    }
    else
    {
        auto& call = delta.tool_calls.emplace_back();
        call.index = 0;
        call.arguments = "abcdefgh";
    }
    chat_accumulator sum;
    for (std::size_t done = 0; done != size; done += delta_size(what))
    {
        sum.add(chunk).value();
        EXPECT_LE(sum.text().size(), size);  // looked at each time, as a screen does
    }
    EXPECT_EQ(length_of(what, sum.take()), size);
}

asio::awaitable<void> read(kind what, std::size_t size)
{
    auto stream =
        detail::stream_access::make<chat_stream>(std::make_shared<event_source>(what, size));
    chat_chunk chunk;
    while (co_await stream.next(chunk))
        EXPECT_LE(stream.text().size(), size);
    EXPECT_EQ(length_of(what, std::move(stream).final()), size);
}

void read_stream(kind what, std::size_t size)
{
    asio::io_context io(1);
    testing::run_on(io, read(what, size), std::chrono::minutes(5));
}

/// Both sizes cost the same by the byte, and not much.
void expect_linear(const std::function<void(std::size_t)>& work, std::size_t small,
                   std::size_t large, double most_by_byte)
{
    const auto by_byte = [&](std::size_t size) {
        return double(cost_of([&] { work(size); })) / double(size);
    };
    const auto of_small = by_byte(small);
    const auto of_large = by_byte(large);
    std::cout << "allocated by byte of answer: " << of_small << " and " << of_large << '\n';
    EXPECT_LE(of_large, most_by_byte);
    // A buffer that doubles may have just been doubled in one of the two.
    EXPECT_LE(of_large, of_small + 3);
}

TEST(Growth, OfTextInTheAccumulator)
{
    const auto work = [](std::size_t size) { accumulate(kind::text, size); };
    expect_linear(work, 128 * KiB, 2 * MiB, 4);
}

TEST(Growth, OfArgumentsInTheAccumulator)
{
    const auto work = [](std::size_t size) { accumulate(kind::arguments, size); };
    expect_linear(work, 16 * KiB, 128 * KiB, 4);
}

TEST(Growth, OfTextInAStream)
{
    const auto work = [](std::size_t size) { read_stream(kind::text, size); };
    expect_linear(work, 64 * KiB, 2 * MiB, 4);
}

TEST(Growth, OfArgumentsInAStream)
{
    const auto work = [](std::size_t size) { read_stream(kind::arguments, size); };
    expect_linear(work, 16 * KiB, 128 * KiB, 40);
}

}  // namespace
}  // namespace regolo::test
