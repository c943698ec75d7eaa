#pragma once

#include <cstddef>
#include <string_view>

// What this program's memory holds. Its allocations are counted, and what is freed is searched, for the threads that ask for
// it: those of the test's servers do not.

namespace regolo::test::heap {

/// While one lives, the blocks that this thread frees are searched for a secret.
class search
{
public:
    explicit search(std::string_view secret);
    ~search();
    search(const search&) = delete;
    search& operator=(const search&) = delete;

    /// How many of the blocks freed so far had 8 bytes or more of it in them.
    [[nodiscard]] static std::size_t found();
    /// Where they were freed, for a person who has `addr2line`.
    static void print();
};

/// While one lives, what this thread has allocated and not freed is counted.
class meter
{
public:
    meter();
    ~meter();
    meter(const meter&) = delete;
    meter& operator=(const meter&) = delete;

    /// The most bytes at a time.
    [[nodiscard]] static std::size_t peak();
    /// The bytes at the moment.
    [[nodiscard]] static std::size_t now();
};

/// OpenSSL's memory counts as well from here on. To be called before anything of it is used.
void include_openssl();

}  // namespace regolo::test::heap
