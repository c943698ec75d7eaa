/* What the core does when memory runs out, with one request after the other failing: the operation throws std::bad_alloc, what
   was handed out before is right, nothing more comes after it, and nothing leaks. */

#include "core/stream_decoder.hpp"
#include "faults/allocations.hpp"

#include <regolo/chat_accumulator.hpp>
#include <regolo/sse_parser.hpp>

#include <boost/json.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <iostream>
#include <new>
#include <string>
#include <vector>

namespace regolo::test {

namespace {

/// More than any of the operations asks for.
constexpr std::size_t too_many = 20000;

/// What happens within it may run out of memory.
template <class Operation>
auto within(Operation operation)
{
    const failing_allocations inside;
    return operation();
}

/// Does the work with each of its requests for memory failing once. What it writes is then the beginning of the right result.
void fail_everywhere(const std::function<void(std::string& result)>& work)
{
    failing_allocations::never();
    std::string right;
    work(right);
    ASSERT_FALSE(right.empty());
    std::size_t blocks = 0;
    std::size_t nth = 0;  // the first one twice, since the first exception leaves things behind
    for (;; ++nth)
    {
        if (nth == 1)
            blocks = live_blocks();
        ASSERT_LT(nth, too_many);
        SCOPED_TRACE("request for memory " + std::to_string(nth));
        failing_allocations::fail_at(std::max<std::size_t>(nth, 1));
        bool has_thrown = false;
        {
            std::string result;
            result.reserve(right.size());
            try
            {
                work(result);
            }
            catch (const std::bad_alloc&)
            {
                has_thrown = true;
            }
            ASSERT_TRUE(right.starts_with(result)) << result;
            ASSERT_EQ(has_thrown, failing_allocations::was_reached());
            ASSERT_TRUE(has_thrown || result == right);
        }
        if (!has_thrown)
            break;
    }
    failing_allocations::never();
    EXPECT_EQ(live_blocks(), blocks) << "leaks";
    EXPECT_GT(nth, 2U);
    std::cout << "core: requests for memory that failed: " << nth - 1 << "\n";
}

std::string long_text() { return std::string(300, 'x'); }  // more than a string holds in itself

/// An event stream with everything in it that a parser keeps.
std::string events()
{
    std::string all = "\xEF\xBB\xBF: comment\n\n";
    for (int i = 0; i != 4; ++i)
    {
        all += "id: " + long_text() + std::to_string(i) + "\nevent: " + long_text() +
               "\ndata: " + long_text() + "\ndata: \xFF" + long_text() + "\r\n\r\n";
    }
    return all + "unknown line " + long_text() + "\n\ndata: last " + long_text();
}

std::vector<std::string_view> pieces_of(std::string_view bytes, std::size_t size)
{
    std::vector<std::string_view> pieces;
    for (; !bytes.empty(); bytes.remove_prefix(std::min(size, bytes.size())))
        pieces.push_back(bytes.substr(0, size));
    return pieces;
}

std::string shown(const sse_event& event)
{
    return std::string(event.event) + "|" + std::string(event.data) + "|" + std::string(event.id) +
           "|" + std::string(event.unknown_line) + "\n";
}

class PiecesOf : public ::testing::TestWithParam<std::size_t>
{};

TEST_P(PiecesOf, EventStream)
{
    const auto bytes = events();
    const auto pieces = pieces_of(bytes, GetParam());
    fail_everywhere([&](std::string& all) {
        sse_parser parser;
        parser.report_unknown_lines(true);
        try
        {
            for (const auto piece : pieces)
            {
                parser.push(piece);
                while (const auto event = within([&] { return parser.pull(); }))
                    all += shown(*event);
            }
            while (const auto event = within([&] { return parser.finish(); }))
                all += shown(*event);
        }
        catch (const std::bad_alloc&)
        {
            EXPECT_TRUE(parser.failed());
            EXPECT_FALSE(parser.pull());
            EXPECT_FALSE(parser.finish());
            throw;
        }
    });
}

/// A streamed answer, or its error, chunk by chunk and accumulated.
class reading
{
public:
    explicit reading(std::string& into) : all_(into)
    {
        core::response_head head;
        head.status = 200;
        head.headers.emplace_back("content-type", "text/event-stream");
        decoder_.start(head);
    }

    void read(const std::vector<std::string_view>& pieces)
    {
        try
        {
            bool more = true;
            for (std::size_t i = 0; more && i != pieces.size(); ++i)
            {
                decoder_.push(pieces[i]);
                more = take();
            }
            if (more)
            {
                decoder_.end_of_body();
                take();
            }
        }
        catch (const std::bad_alloc&)
        {
            static_cast<void>(whole_.response());  // what it has is an answer
            throw;
        }
        const auto answer = within([&] { return whole_.response(); });
        for (const auto& call : answer.tool_calls())
            all_ += call.id + call.name + call.arguments;
        all_ += answer.id;
    }

private:
    bool take()
    {
        chat_chunk chunk;
        for (;;)
        {
            switch (pull(chunk))
            {
                case core::stream_step::chunk:
                    within([&] { return whole_.add(chunk); }).value();
                    all_ += chunk.text();
                    break;
                case core::stream_step::need_more:
                    return true;
                case core::stream_step::ended:
                    return false;
                case core::stream_step::failed:
                    all_ += decoder_.failure().message;
                    return false;
            }
        }
    }

    core::stream_step pull(chat_chunk& chunk)
    {
        try
        {
            return within([&] { return decoder_.pull(chunk); });
        }
        catch (const std::bad_alloc&)
        {
            EXPECT_EQ(decoder_.ended_as(), stream_end::failed);
            EXPECT_EQ(decoder_.pull(chunk), core::stream_step::failed);
            EXPECT_TRUE(decoder_.failure().sent);
            EXPECT_EQ(decoder_.failure().code, boost::system::errc::not_enough_memory);
            throw;
        }
    }

    std::string& all_;
    core::stream_decoder<chat_chunk> decoder_{limits()};
    chat_accumulator whole_;
};

void read_stream(const std::string& bytes, std::size_t size)
{
    fail_everywhere([&](std::string& all) { reading(all).read(pieces_of(bytes, size)); });
}

std::string chunks()
{
    std::string all;
    const auto add = [&](const std::string& delta) {
        all += R"(data: {"id":")" + long_text() + R"(","choices":[{"index":0,"delta":{)" + delta +
               "}}]}\n\n";
    };
    add(R"("role":"assistant","content":"first )" + long_text() + R"(")");
    add(R"("content":"second )" + long_text() + R"(","reasoning_content":")" + long_text() +
        R"(")");
    for (const char* index : {"0", "1"})
    {
        add(R"("tool_calls":[{"index":)" + std::string(index) + R"(,"id":"call_)" + long_text() +
            index + R"(","type":"function","function":{"name":")" + long_text() +
            R"(","arguments":"{\"a\":"}}])");
        add(R"("tool_calls":[{"index":)" + std::string(index) + R"(,"function":{"arguments":")" +
            long_text() + R"("}}])");
    }
    add(R"("unknown":{"nested":[")" + long_text() + R"("]})");
    return all;
}

TEST_P(PiecesOf, WholeStream)
{
    const auto bytes = chunks() +
                       R"(data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],)"
                       R"("usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})"
                       "\n\ndata: [DONE]\n\n";
    read_stream(bytes, GetParam());
}

TEST_P(PiecesOf, StreamThatIsCut)
{
    read_stream(chunks() + "a gateway's page " + long_text() + "\n", GetParam());
}

TEST_P(PiecesOf, StreamThatEndsInAnError)
{
    const auto bytes =
        chunks() + R"(data: {"error":{"message":")" + long_text() + R"(","code":500}})" + "\n\n";
    read_stream(bytes, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Core, PiecesOf, ::testing::Values(1, 7, 100, 100000),
                         [](const auto& chosen) { return "Of" + std::to_string(chosen.param); });

TEST(AllocationFailure, OfAnEncoding)
{
    chat_request request("model " + long_text(), long_text());
    request.stop.push_back(long_text());
    fail_everywhere([&](std::string& all) {
        all += within([&] { return boost::json::serialize(to_json(request)); });
    });
}

}  // namespace

}  // namespace regolo::test
