/* A stream that fails where there is no memory to tell why has failed all the same: it never ends as if it were whole. */

#include "faults/allocations.hpp"
#include "stream_state.hpp"
#include "support/lone_source.hpp"

#include <regolo/error.hpp>
#include <regolo/stream.hpp>
#include <regolo/testing/make_stream.hpp>
#include <regolo/testing/run.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace regolo::test {

namespace {

namespace asio = boost::asio;

error_info lost_connection()
{
    error_info info;
    info.code = errc::connection_lost;
    info.message = "the connection was lost, which takes more room than a string has in itself";
    return info;
}

void expect_failed(chat_stream& stream)
{
    EXPECT_THROW(static_cast<void>(testing::run(stream.next())), error);
    EXPECT_TRUE(stream.ended_as() == stream_end::failed || stream.ended_as() == stream_end::closed);
}

/// @param make  a stream whose second chunk is a failure
void expect_failed_wherever_memory_ends(const std::function<chat_stream()>& make)
{
    bool was_reached = true;
    std::size_t failures = 0;
    for (std::size_t nth = 1; was_reached; ++nth)
    {
        SCOPED_TRACE("request for memory " + std::to_string(nth));
        auto stream = make();
        ASSERT_TRUE(testing::run(stream.next()));
        failing_allocations::fail_at(nth);
        bool has_failed = false;
        try
        {
            const failing_allocations inside;
            static_cast<void>(testing::run(stream.next()));
        }
        catch (const std::bad_alloc&)
        {
            has_failed = true;
            ++failures;
        }
        catch (const error&)
        {
            has_failed = true;
        }
        was_reached = failing_allocations::was_reached();
        failing_allocations::never();
        EXPECT_TRUE(has_failed) << "ended as if it were whole";
        expect_failed(stream);
        expect_failed(stream);
    }
    EXPECT_GT(failures, 2U);
}

TEST(StreamFailure, OfTheConnectionStays)
{
    expect_failed_wherever_memory_ends(
        [] { return testing::make_stream({testing::make_chunk("Hello")}, lost_connection()); });
}

/// An answer that began as a success and was none, and whose bytes go with the connection; the next one is good.
class second_time_good final : public lone_source
{
public:
    detail::feed_state take(std::span<const std::string_view>& pieces) override
    {
        if (arrived_ == nullptr)
            return detail::feed_state::wait;
        pieces = arrived_->pieces;
        return detail::feed_state::bytes;
    }
    asio::awaitable<void> reopen(error_info) override
    {
        arrived_->text.assign(arrived_->text.size(), '-');
        arrived_.reset();
        arrived_ = std::make_unique<answer>(good);
        co_return;
    }

private:
    static constexpr std::string_view good =
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"good\"}}]}\n\n";
    static constexpr std::string_view bad =
        "data: {\"error\":{\"message\":\"not now\",\"code\":503}}\n\n";

    struct answer
    {
        explicit answer(std::string_view event)
            : text(std::string(event) + "data: [DONE]\n\n"),
              pieces{std::string_view(text).substr(0, event.size()),
                     std::string_view(text).substr(event.size())}
        {}

        std::string text;
        std::vector<std::string_view> pieces;
    };

    std::unique_ptr<answer> arrived_ = std::make_unique<answer>(bad);
};

// Nothing of the first attempt is looked at again, whatever the second one lacks memory for.
TEST(StreamFailure, OfTheAttemptBeforeIsForgotten)
{
    bool was_reached = true;
    std::size_t failures = 0;
    for (std::size_t nth = 1; was_reached; ++nth)
    {
        SCOPED_TRACE("request for memory " + std::to_string(nth));
        auto stream =
            detail::stream_access::make<chat_stream>(std::make_shared<second_time_good>());
        failing_allocations::fail_at(nth);
        try
        {
            const failing_allocations inside;
            static_cast<void>(testing::run(stream.next()));
        }
        catch (const std::bad_alloc&)
        {
            ++failures;
        }
        catch (const error&)
        {
            EXPECT_NE(stream.ended_as(), stream_end::open);
        }
        was_reached = failing_allocations::was_reached();
        failing_allocations::never();
        try
        {
            while (testing::run(stream.next()))
            {}
            EXPECT_EQ(stream.text(), "good");
            EXPECT_EQ(stream.ended_as(), stream_end::done);
        }
        catch (const error&)
        {
            EXPECT_EQ(stream.text(), "");
            expect_failed(stream);
        }
    }
    EXPECT_GT(failures, 2U);
}

TEST(StreamFailure, OfAnAnswerThatIsCutStays)
{
    expect_failed_wherever_memory_ends(
        [] { return testing::make_stream({testing::make_chunk("Hello")}, stream_end::finished); });
}

}  // namespace

}  // namespace regolo::test
