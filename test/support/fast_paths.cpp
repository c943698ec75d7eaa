/* The environment variable REGOLO_FAST_PATHS=0 makes a test program take none of them: what holds on the fast paths must hold on
   the plain ones as well. Linked into the program itself, since nothing refers to it. */

#include "core/fast_paths.hpp"

#include <cstdlib>
#include <string_view>

namespace regolo::test {

namespace {

bool asks_for_fast_paths()
{
    const char* const text = std::getenv("REGOLO_FAST_PATHS");
    return text == nullptr || std::string_view(text) != "0";
}

// Before main, and so before the first connection.
[[maybe_unused]] const bool is_set = (core::fast_paths = asks_for_fast_paths());

}  // namespace

}  // namespace regolo::test
