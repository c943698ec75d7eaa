#pragma once

#include <benchmark/benchmark.h>
#include <cstdint>

namespace regolo::bench {

/// Calls of operator new since the program began. One thread.
std::uint64_t allocations() noexcept;

/// Tells as the counter `allocs` how often an operation allocates, from its construction to its end; the first operation
/// should have been made before, where memory is used again.
class allocation_counter
{
public:
    explicit allocation_counter(benchmark::State& state, double operations_per_iteration = 1)
        : state_(state), per_iteration_(operations_per_iteration), before_(allocations())
    {}
    ~allocation_counter()
    {
        state_.counters["allocs"] =
            benchmark::Counter(static_cast<double>(allocations() - before_) / per_iteration_,
                               benchmark::Counter::kAvgIterations);
    }
    allocation_counter(const allocation_counter&) = delete;
    allocation_counter& operator=(const allocation_counter&) = delete;

private:
    benchmark::State& state_;
    const double per_iteration_;
    const std::uint64_t before_;
};

}  // namespace regolo::bench
