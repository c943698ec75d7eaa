#include "net/http_reader.hpp"

#include <regolo/error.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

namespace regolo::test {
namespace {

/// What comes of the bytes in pieces of that size: up to the end of the response, or to an error.
boost::system::error_code read(std::string_view bytes, std::size_t head_limit, std::size_t size)
{
    net::http_reader reader(head_limit);
    boost::system::error_code ec;
    while (!bytes.empty() && !ec && !reader.done())
    {
        const auto room = reader.prepare();
        const auto count = std::min({room.size, bytes.size(), size});
        std::memcpy(room.data, bytes.data(), count);
        bytes.remove_prefix(count);
        reader.commit(count, ec);
    }
    EXPECT_TRUE(ec || reader.done());
    return ec;
}

// Beast alone lets a head pass that is a little larger, if it comes in one piece.
TEST(HttpReader, LimitsTheHeadHoweverItIsCut)
{
    constexpr std::string_view head =
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Some: thing\r\n\r\n";
    const auto response = std::string(head) + "hello";
    for (std::size_t size = 1; size <= response.size(); ++size)
    {
        EXPECT_FALSE(read(response, head.size(), size)) << size;
        EXPECT_EQ(read(response, head.size() - 1, size), errc::too_large) << size;
    }
}

TEST(HttpReader, LimitsAHeadWithoutFields)
{
    constexpr std::string_view head = "HTTP/1.1 204 No Content\r\n\r\n";
    for (std::size_t size = 1; size <= head.size(); ++size)
    {
        EXPECT_FALSE(read(head, head.size(), size)) << size;
        EXPECT_EQ(read(head, head.size() - 1, size), errc::too_large) << size;
    }
}

}  // namespace
}  // namespace regolo::test
