/* A stream that fails where there is no memory to tell why has failed all the same: it never ends as if it were whole. */

#include "faults/allocations.hpp"

#include <regolo/error.hpp>
#include <regolo/stream.hpp>
#include <regolo/testing/make_stream.hpp>
#include <regolo/testing/run.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <new>
#include <string>

namespace regolo::test {

namespace {

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

TEST(StreamFailure, OfAnAnswerThatIsCutStays)
{
    expect_failed_wherever_memory_ends(
        [] { return testing::make_stream({testing::make_chunk("Hello")}, stream_end::finished); });
}

}  // namespace

}  // namespace regolo::test
