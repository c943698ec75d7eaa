/* Answers that nobody asked for, at the same time as one that somebody did. Behind TLS they come in a record of their own, which
   has left the socket when the first one is read. */

#include "faults/stage.hpp"

#include <gtest/gtest.h>

namespace regolo::test {

namespace {

class Unasked : public ::testing::TestWithParam<transport>
{};

TEST_P(Unasked, AnswersAreNobodys)
{
    for (const auto& kind : exchange_kinds())
    {
        SCOPED_TRACE(kind.name);
        stage on(GetParam());
        on.open(on.config());
        on.server->answer_with(kind.answer);
        on.server->add("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        for (std::size_t i = 1; i <= 3; ++i)
        {
            const auto result = on.run(kind);
            ASSERT_FALSE(result.failure) << result.failure->message;
            EXPECT_EQ(result.text, kind.right);
            EXPECT_TRUE(on.settle());
            EXPECT_EQ(on.server->requests(), i);
            EXPECT_EQ(on.user->stats().connections_reused, 0U);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Faults, Unasked, ::testing::ValuesIn(all_transports),
                         [](const auto& chosen) { return std::string(name_of(chosen.param)); });

}  // namespace

}  // namespace regolo::test
