#include "core/text.hpp"

#include "core/duration_text.hpp"
#include "core/uuid.hpp"

#include <regolo/version.hpp>

#include <gtest/gtest.h>

#include <set>

namespace regolo::test {
namespace {

using namespace std::chrono_literals;

TEST(Text, TrimsAndLowers)
{
    EXPECT_EQ(core::trim(" \t a b\r\n"), "a b");
    EXPECT_EQ(core::trim(" \n"), "");
    EXPECT_EQ(core::trim(""), "");
    EXPECT_EQ(core::to_lower(std::string_view("AbZ[\xc3\x89")), "abz[\xc3\x89");
}

TEST(Text, WritesDurationsForPeople)
{
    EXPECT_EQ(core::to_text(300s), "300 s");
    EXPECT_EQ(core::to_text(1s), "1 s");
    EXPECT_EQ(core::to_text(1500ms), "1.5 s");
    EXPECT_EQ(core::to_text(1050ms), "1.05 s");
    EXPECT_EQ(core::to_text(1001ms), "1.001 s");
    EXPECT_EQ(core::to_text(999ms), "999 ms");
    EXPECT_EQ(core::to_text(12500us), "12.5 ms");
    EXPECT_EQ(core::to_text(1us), "0.001 ms");
    EXPECT_EQ(core::to_text(0s), "0 ms");
    EXPECT_EQ(core::to_text(-2s), "-2 s");
}

TEST(Uuid, HasVersionAndVariant)
{
    std::array<unsigned char, 16> bytes{};
    EXPECT_EQ(core::make_uuid(bytes), "00000000-0000-4000-8000-000000000000");
    bytes.fill(0xff);
    EXPECT_EQ(core::make_uuid(bytes), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    for (std::size_t i = 0; i < bytes.size(); ++i)
    {
        bytes[i] = static_cast<unsigned char>(i * 17);
    }
    EXPECT_EQ(core::make_uuid(bytes), "00112233-4455-4677-8899-aabbccddeeff");
}

TEST(Uuid, UsesEveryByte)
{
    std::set<std::string> seen;
    for (std::size_t i = 0; i < 16; ++i)
    {
        std::array<unsigned char, 16> bytes{};
        bytes[i] = 1;
        seen.insert(core::make_uuid(bytes));
    }
    EXPECT_EQ(seen.size(), 16U);
}

TEST(Version, IsThatOfTheHeaders)
{
    EXPECT_EQ(version(), std::to_string(version_major) + '.' + std::to_string(version_minor) + '.' +
                             std::to_string(version_patch));
    // links only against a library that was built with this Boost
    EXPECT_EQ(detail::this_boost_abi::tag, 0);
}

}  // namespace
}  // namespace regolo::test
