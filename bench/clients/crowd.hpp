#pragma once

#include "clients/report.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace regolo::bench {

/// SIZE streams, AT_ONCE of them opened at a time, then SECONDS in which they are read.
struct crowd_job : target
{
    long size = 0;
    long seconds = 0;
    long at_once = 1;
};

inline crowd_job parse_crowd(int argc, char** argv)
{
    crowd_job parsed{parse_target(argc, argv, {"STREAMS", "SECONDS", "AT_ONCE"})};
    parsed.size = std::atol(argv[3]);
    parsed.seconds = std::atol(argv[4]);
    parsed.at_once = std::atol(argv[5]);
    return parsed;
}

/** What the programs with many open streams have in common.

    They open their streams until each has had its first chunk; that is when memory is taken. Half a second later begin the
    seconds in which CPU time and chunks are counted, and how long it took each stamped chunk to arrive. Where streams are opened
    one after the other, each may resume the session of the one before; where all are opened at once, what their handshakes ask
    for at the same time is in the memory, since a heap does not give back what it had at its peak.

    The workload is one that does not end. */
class crowd
{
public:
    explicit crowd(const crowd_job& what)
        : streams_(what.size), at_once_(what.at_once), length_(what.seconds)
    {}

    /// How many more to open now.
    [[nodiscard]] long openings()
    {
        const auto more = std::min(streams_ - begun_, at_once_ - (begun_ - open_));
        begun_ += more;
        return more;
    }

    /// The client is made; nothing is open yet.
    void begin() { resident_before_ = resident_bytes(); }

    /// A stream has had its first chunk.
    void opened()
    {
        if (++open_ != streams_)
            return;
        resident_open_ = resident_bytes();
        begin_at_ = clock::now() + std::chrono::milliseconds(length_.count() == 0 ? 0 : 500);
        end_at_ = begin_at_ + length_;
        over_ = length_.count() == 0;
    }

    [[nodiscard]] bool over() const noexcept { return over_; }

    /// A chunk is in the hands of the user. @param stamp  its content: when it was sent
    void take(std::string_view stamp)
    {
        const auto now = clock::now();
        if (open_ != streams_ || now < begin_at_)
            return;
        if (latencies_.empty())
            cpu_ = cpu_seconds();
        over_ = now >= end_at_;
        if (over_)
        {
            cpu_ = cpu_seconds() - cpu_;
            return;
        }
        std::int64_t sent = 0;
        if (std::from_chars(stamp.data(), stamp.data() + stamp.size(), sent).ec != std::errc())
            throw std::runtime_error("a chunk without its time");
        latencies_.push_back(std::chrono::nanoseconds(now.time_since_epoch()).count() - sent);
    }

    void report()
    {
        std::sort(latencies_.begin(), latencies_.end());
        std::cout << "{\"streams\":" << open_ << ",\"bytes_per_stream\":"
                  << (static_cast<double>(resident_open_) - static_cast<double>(resident_before_)) /
                         static_cast<double>(open_)
                  << ",\"chunks\":" << latencies_.size() << ",\"cpu\":" << cpu_;
        if (!latencies_.empty())
            std::cout << ",\"p50\":" << at(0.5) << ",\"p99\":" << at(0.99)
                      << ",\"p999\":" << at(0.999);
        std::cout << "}" << std::endl;
    }

private:
    using clock = std::chrono::steady_clock;  // CLOCK_MONOTONIC, as the server's stamps

    static std::size_t resident_bytes()
    {
        std::size_t pages = 0;
        std::ifstream("/proc/self/statm") >> pages >> pages;
        return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    }

    [[nodiscard]] std::int64_t at(double part) const
    {
        const auto size = static_cast<double>(latencies_.size());
        return latencies_[static_cast<std::size_t>(part * (size - 1))];
    }

    const long streams_;
    const long at_once_;
    const std::chrono::seconds length_;
    long begun_ = 0;
    long open_ = 0;
    bool over_ = false;
    std::size_t resident_before_ = 0;
    std::size_t resident_open_ = 0;
    clock::time_point begin_at_;
    clock::time_point end_at_;
    double cpu_ = 0;
    std::vector<std::int64_t> latencies_;
};

/// A program that reads a crowd: `run(crowd_job)`, after what `warm_up(target)` asks for in the workload `small`, since what a
/// process has but once is no part of a stream.
template <class WarmUp, class Run>
int run_crowd(int argc, char** argv, WarmUp&& warm_up, Run&& run)
{
    return run_program([&] {
        const auto what = parse_crowd(argc, argv);
        target once = what;
        once.workload = "small";
        warm_up(once);
        run(what);
    });
}

}  // namespace regolo::bench
