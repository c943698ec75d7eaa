#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

namespace regolo::soak {

/// This process at one moment, and what its clients say.
struct sample
{
    double seconds = 0;
    std::uint64_t memory = 0;  // KiB of its own pages in RAM
    std::uint64_t heap = 0;    // KiB handed out by malloc
    std::uint64_t files = 0;   // open descriptors
    std::uint64_t calls = 0;
    std::uint64_t connections = 0;
    std::uint64_t in_use = 0;
    std::uint64_t idle = 0;
    std::uint64_t waiting = 0;
    std::uint64_t outstanding = 0;  // requests of which no outcome is known
    std::uint64_t opened = 0;
    std::uint64_t right = 0;
    std::uint64_t errors = 0;
    std::uint64_t restarts = 0;
};

/// Memory and descriptors of this process now.
[[nodiscard]] sample look_at_process();

void write_csv(const std::string& path, const std::vector<sample>& samples);

/** What a figure does over a run: the medians of four quarters, the beginning left out. */
struct trend
{
    std::vector<std::uint64_t> medians;  // empty: too short a run to tell

    /// The last is no more than a tenth, and `slack`, above the first. Not for too short a run.
    [[nodiscard]] bool is_flat(std::uint64_t slack) const;
};

[[nodiscard]] trend trend_of(const std::vector<sample>& samples, std::uint64_t sample::*figure);

std::ostream& operator<<(std::ostream& out, const trend& shown);

}  // namespace regolo::soak
