#pragma once

#include <atomic>

namespace regolo::core {

/** Whether the fast ways are taken: the template of a stream's chunks, OpenSSL on the descriptor. Each has a plain
    one beside it that gives the same. For tests, which run on both; asked when a stream or a connection begins. */
inline std::atomic<bool> fast_paths{true};

}  // namespace regolo::core
