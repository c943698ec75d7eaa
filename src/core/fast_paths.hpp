#pragma once

#include <atomic>

namespace regolo::core {

/** Whether the quick way is taken where there are two that give the same: the template of a stream's chunks beside their
    decoding. For tests, which compare the two; asked when a decoder is made. */
inline std::atomic<bool> fast_paths{true};

}  // namespace regolo::core
