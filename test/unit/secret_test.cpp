#include "core/secret.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace regolo::test {
namespace {

using core::secret;

TEST(Secret, HoldsText)
{
    const secret key("abc");
    EXPECT_EQ(key.view(), "abc");
    EXPECT_FALSE(key.empty());
    EXPECT_TRUE(secret().empty());
}

TEST(Secret, GrowsInPlaceOnly)
{
    secret head = secret::with_capacity(100);
    head.append("");
    const char* const place = head.view().data();
    for (int i = 0; i < 10; ++i)
    {
        head.append("0123456789");
    }
    EXPECT_EQ(head.view().size(), 100U);
    EXPECT_EQ(head.view().data(), place);
}

TEST(Secret, MovesAndLeavesNothingBehind)
{
    for (const std::string& text : {std::string("short"), std::string(100, 'l')})
    {
        secret from(text);
        secret to(std::move(from));
        EXPECT_EQ(to.view(), text);
        EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move)
        // the buffer of a short string lies inside the object and outlives the move, all but its first byte
        const auto* bytes = reinterpret_cast<const char*>(&from);
        EXPECT_EQ(std::string(bytes, sizeof from).find("hort"), std::string::npos);

        secret other("before");
        other = std::move(to);
        EXPECT_EQ(other.view(), text);
        EXPECT_TRUE(to.empty());  // NOLINT(bugprone-use-after-move)
    }
}

TEST(Secret, WipesEveryByte)
{
    std::array<unsigned char, 64> bytes{};
    bytes.fill(0xa5);
    core::wipe(bytes.data(), 63);
    EXPECT_TRUE(std::all_of(bytes.begin(), bytes.end() - 1, [](auto b) { return b == 0; }));
    EXPECT_EQ(bytes.back(), 0xa5);
    core::wipe(nullptr, 0);
}

}  // namespace
}  // namespace regolo::test
