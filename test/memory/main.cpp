#include "memory/heap.hpp"

#include <gtest/gtest.h>

int main(int argc, char** argv)
{
    regolo::test::heap::include_openssl();
    ::testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
