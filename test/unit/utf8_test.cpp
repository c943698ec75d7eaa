#include "core/utf8.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace regolo::test {
namespace {

struct row
{
    std::string_view bytes;
    std::string_view valid;
};

constexpr std::string_view r = "\xEF\xBF\xBD";

TEST(Utf8, ReplacesMaximalSubparts)
{
    const std::string once(r);
    const std::string twice = once + once;
    const std::string thrice = twice + once;
    const row rows[] = {
        {"", ""},
        {"a\xC3\xA8\xE2\x82\xAC\xF0\x9F\x98\x80", "a\xC3\xA8\xE2\x82\xAC\xF0\x9F\x98\x80"},
        {"\xFF", once},
        {"\x80", once},
        {"\xC0\xAF", twice},
        {"\xED\xA0\x80", thrice},
        {"\xE2\x82", once},
        {"\xF0\x9F\x98", once},
        {"\xF4\x90", twice},
        {"\xE0\x80", twice},
        {"\xF5\x80", twice},
    };
    for (const row& each : rows)
    {
        // around every place of a block of 32 bytes
        for (std::size_t before = 0; before < 70; ++before)
        {
            const std::string front(before, 'x');
            std::string out;
            core::append_valid_utf8(out, front + std::string(each.bytes) + "y");
            ASSERT_EQ(out, front + std::string(each.valid) + "y") << before;
            const bool valid = each.bytes == each.valid;
            ASSERT_EQ(core::valid_utf8_prefix(front + std::string(each.bytes)) ==
                          before + each.bytes.size(),
                      valid);
        }
    }
}

TEST(Utf8, PrintsWithinALimit)
{
    EXPECT_EQ(core::printable("abc", 3), "abc");
    EXPECT_EQ(core::printable("abcd", 3), "abc...");
    EXPECT_EQ(core::printable("\xC3\xA8\xC3\xA8", 1), "\xC3\xA8...");
    EXPECT_EQ(core::printable("a\tb\r\n", 9), "a\\tb\\r\\n");
}

}  // namespace
}  // namespace regolo::test
