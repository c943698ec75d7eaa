#include "core/history.hpp"

#include <gtest/gtest.h>

#include <string>

namespace regolo::test {
namespace {

using core::history;

chat_message calling(std::initializer_list<const char*> ids)
{
    auto message = chat_message::assistant("");
    for (const auto* id : ids)
        message.tool_calls.emplace_back(id, "weather", "{}");
    return message;
}

std::string shape(const history& messages)
{
    std::string letters;
    for (const auto& message : messages)
        letters += message.role.substr(0, 1);
    return letters;
}

std::size_t one_each(const chat_message&) { return 1; }

TEST(History, FindsToolCallsWithoutResult)
{
    history messages{chat_message::user("hi"), calling({"a", "b"})};
    EXPECT_EQ(core::open_tool_calls(messages), (std::vector<std::string>{"a", "b"}));
    messages.push_back(chat_message::tool_result("b", "sunny"));
    EXPECT_EQ(core::open_tool_calls(messages), std::vector<std::string>{"a"});
    messages.push_back(chat_message::tool_result("a", "rain"));
    EXPECT_TRUE(core::open_tool_calls(messages).empty());
    EXPECT_TRUE(core::open_tool_calls(history()).empty());
}

TEST(History, KnowsWhereTheLastTurnBegins)
{
    EXPECT_EQ(core::begin_of_last_turn({}), 0U);
    EXPECT_EQ(core::begin_of_last_turn({chat_message::system("s")}), 1U);
    EXPECT_EQ(core::begin_of_last_turn({chat_message::user("a"), chat_message::assistant("b"),
                                        chat_message::user("c"), chat_message::assistant("d")}),
              2U);
}

TEST(History, TrimsWholeTurnsFromTheOldestOn)
{
    const history all{
        chat_message::system("s"),           chat_message::user("1"),      calling({"a"}),
        chat_message::tool_result("a", "x"), chat_message::assistant("1"), chat_message::user("2"),
        chat_message::assistant("2"),        chat_message::user("3")};
    const auto trimmed = [&](std::size_t budget) {
        auto messages = all;
        core::trim(messages, budget, one_each);
        return shape(messages);
    };
    EXPECT_EQ(trimmed(8), "suatauau");
    EXPECT_EQ(trimmed(7), "suau");
    EXPECT_EQ(trimmed(4), "suau");
    EXPECT_EQ(trimmed(3), "su");
    EXPECT_EQ(trimmed(0), "su");
}

TEST(History, TrimmingKeepsInstructionsWhereverTheyStand)
{
    history messages{chat_message::system("s"), chat_message::user("1"),
                     chat_message::assistant("1"), chat_message::system("t"),
                     chat_message::user("2")};
    core::trim(messages, 1, one_each);
    EXPECT_EQ(shape(messages), "ssu");
    EXPECT_EQ(messages.at(1).text(), "t");
}

TEST(History, TrimmingNeverPartsACallFromItsResult)
{
    history messages{chat_message::system("s"),
                     chat_message::user("1"),
                     calling({"t"}),
                     chat_message::user("2"),
                     chat_message::tool_result("t", "r"),
                     chat_message::user("3")};
    const auto whole = messages;
    core::trim(messages, 5, one_each);
    EXPECT_EQ(shape(messages), "su");
    messages = whole;
    messages.pop_back();
    core::trim(messages, 1, one_each);
    EXPECT_EQ(shape(messages), "suaut");

    // Calls without ids, in turns of their own.
    messages = {chat_message::user("1"), calling({""}), chat_message::tool_result("", "r"),
                chat_message::user("2"), calling({""}), chat_message::tool_result("", "r"),
                chat_message::user("3")};
    core::trim(messages, 4, one_each);
    EXPECT_EQ(shape(messages), "uatu");

    messages = {chat_message::system("s"), calling({"t"}), chat_message::tool_result("t", "r")};
    core::trim(messages, 1, one_each);
    EXPECT_EQ(shape(messages), "sat");
}

TEST(History, TrimmingTouchesNothingWithoutAQuestion)
{
    history messages{chat_message::assistant("1"), chat_message::assistant("2")};
    core::trim(messages, 0, one_each);
    EXPECT_EQ(shape(messages), "aa");
}

TEST(History, EstimatesByBytes)
{
    EXPECT_EQ(core::estimate_tokens(chat_message::user("")), 4U);
    EXPECT_EQ(core::estimate_tokens(chat_message::user(std::string(400, 'x'))), 104U);
    EXPECT_GT(core::estimate_tokens(calling({"a"})), 4U);
}

}  // namespace
}  // namespace regolo::test
