#include <regolo/shared_string.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_set>
#include <utility>

// A text that reads as a std::string and that copies share.

namespace regolo::test {

namespace {

static_assert(std::is_nothrow_default_constructible_v<shared_string>);
static_assert(std::is_nothrow_copy_constructible_v<shared_string>);
static_assert(std::is_nothrow_move_constructible_v<shared_string>);
static_assert(std::is_constructible_v<shared_string, const char*>);
static_assert(std::is_assignable_v<shared_string&, const char*>);
static_assert(std::is_convertible_v<shared_string, std::string>);
static_assert(std::is_convertible_v<shared_string, std::string_view>);
// one way alone, or neither of two operands of ?: would be preferred
static_assert(!std::is_convertible_v<std::string, shared_string>);
static_assert(!std::is_convertible_v<std::string_view, shared_string>);

template <class T>
concept compares_with_null = requires(const T& text)
{
    text == nullptr;
};
static_assert(!compares_with_null<shared_string>);

TEST(SharedString, IsSharedByItsCopies)
{
    const shared_string first("a text that is longer than what fits into a string itself");
    const shared_string second = first;
    EXPECT_EQ(first.str().data(), second.str().data());
    EXPECT_EQ(first, second);
}

TEST(SharedString, ChangesForItselfAlone)
{
    shared_string changed("one");
    const shared_string copy = changed;
    changed = "two";
    EXPECT_EQ(changed, "two");
    EXPECT_EQ(copy, "one");
    changed.clear();
    EXPECT_TRUE(changed.empty());
    EXPECT_EQ(copy, "one");
}

TEST(SharedString, IsEmptyFromTheBeginningAndOnceMoved)
{
    shared_string text;
    EXPECT_TRUE(text.empty());
    EXPECT_EQ(text.size(), 0U);
    EXPECT_EQ(text.str(), "");
    EXPECT_EQ(text, shared_string(""));
    EXPECT_EQ(text, shared_string(std::string()));
    text = std::string();
    EXPECT_TRUE(text.empty());
    text = "text";
    const shared_string moved = std::move(text);
    EXPECT_EQ(moved.size(), 4U);
    EXPECT_TRUE(text.empty());  // NOLINT(bugprone-use-after-move,hicpp-invalid-access-moved)
}

TEST(SharedString, IsComparedByItsText)
{
    const std::string equal("model");
    const shared_string text(equal);
    EXPECT_EQ(text, shared_string("model"));
    EXPECT_EQ(text, equal);
    EXPECT_EQ(equal, text);
    EXPECT_EQ(text, std::string_view(equal));
    EXPECT_EQ("model", text);
    EXPECT_NE(text, "mode");
    EXPECT_NE(text, shared_string());
    EXPECT_LT(shared_string("a"), shared_string("b"));
    EXPECT_LT(text, "models");
    EXPECT_GT(std::string("models"), text);
    EXPECT_LT(std::string_view("mode"), text);
    const std::map<shared_string, int> by_model{{text, 1}};
    EXPECT_EQ(by_model.count(shared_string("model")), 1U);
    const std::set<std::string, std::less<>> names{"model"};
    EXPECT_TRUE(names.contains(text));
    const std::unordered_set<shared_string> known{text};
    EXPECT_TRUE(known.contains(shared_string(equal)));
}

TEST(SharedString, IsReadAsAString)
{
    const shared_string text("model");
    const std::string equal_text = " of it";
    const std::string& reference = text;
    EXPECT_EQ(reference.data(), text.str().data());
    const std::string copy = text;
    std::string assigned;
    assigned = text;
    std::string longer("the ");
    longer += text;
    const std::string constructed(text);
    const std::string_view view = text;
    EXPECT_EQ(copy, "model");
    EXPECT_EQ(assigned, "model");
    EXPECT_EQ(longer, "the model");
    EXPECT_EQ(constructed, "model");
    EXPECT_EQ(view, "model");
    EXPECT_EQ("the " + text + '!', "the model!");
    EXPECT_EQ(text + equal_text, "model of it");
    EXPECT_EQ(std::string("the ") + text, "the model");
    EXPECT_STREQ(text.c_str(), "model");
    for (const bool chosen : {true, false})
    {
        EXPECT_EQ(chosen ? text : std::string("none"), chosen ? "model" : "none");
        EXPECT_EQ(chosen ? text : equal_text, chosen ? "model" : " of it");
        EXPECT_EQ(chosen ? std::string_view("none") : text, chosen ? "none" : "model");
    }
    std::ostringstream out;
    out << text;
    EXPECT_EQ(out.str(), "model");
}

TEST(SharedString, MayHaveAnyCharacters)
{
    const std::string bytes("\0\xFF\n", 3);
    EXPECT_EQ(shared_string(bytes).str(), bytes);
}

}  // namespace

}  // namespace regolo::test
