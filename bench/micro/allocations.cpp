#include "micro/allocations.hpp"

#include "clients/counting_new.hpp"

namespace regolo::bench {

std::uint64_t allocations() noexcept { return news; }

}  // namespace regolo::bench
