#pragma once

#include <sys/resource.h>

namespace regolo::test {

/// Raises the limit on open files as far as it is allowed. Returns what it is then.
inline rlim_t raise_file_limit()
{
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

}  // namespace regolo::test
