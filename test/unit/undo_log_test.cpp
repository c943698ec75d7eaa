#include "core/undo_log.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace regolo::test {
namespace {

using core::undo_log;

/// Counts the objects that live.
class counted
{
public:
    explicit counted(int& count) noexcept : count_(&count) { ++*count_; }
    counted(counted&& other) noexcept : counted(*other.count_) {}
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
    ~counted() { --*count_; }

private:
    int* count_;
};

/// More steps than there is room for in the log itself.
constexpr int many = 200;

void add_steps(undo_log& done, std::vector<int>& undone, int& alive)
{
    for (int i = 0; i != many; ++i)
    {
        done.add([&undone, i, one = counted(alive)]() noexcept { undone.push_back(i); });
    }
}

TEST(UndoLog, UndoesTheLastStepFirst)
{
    std::vector<int> undone;
    undone.reserve(many);
    int alive = 0;
    {
        undo_log done;
        add_steps(done, undone, alive);
        EXPECT_EQ(alive, many);
        EXPECT_TRUE(undone.empty());
    }
    EXPECT_EQ(alive, 0);
    ASSERT_EQ(undone.size(), std::size_t{many});
    for (int i = 0; i != many; ++i)
        EXPECT_EQ(undone[static_cast<std::size_t>(i)], many - 1 - i);
}

TEST(UndoLog, UndoesNothingThatWasCommitted)
{
    std::vector<int> undone;
    undone.reserve(many);
    int alive = 0;
    undo_log done;
    add_steps(done, undone, alive);
    done.commit();
    EXPECT_EQ(alive, 0);
    EXPECT_TRUE(undone.empty());
}

TEST(UndoLog, PutsTheOldValueBack)
{
    std::string text = "old";
    {
        undo_log done;
        replace(done, text, std::string("new"));
        EXPECT_EQ(text, "new");
        replace(done, text, std::string("newer"));
        EXPECT_EQ(text, "newer");
    }
    EXPECT_EQ(text, "old");
    undo_log done;
    replace(done, text, std::string("new"));
    done.commit();
    EXPECT_EQ(text, "new");
}

}  // namespace
}  // namespace regolo::test
