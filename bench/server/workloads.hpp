#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/** @file
    What the load server answers, byte for byte the same for every client. The first part of a request's path names the
    workload, so that any client can choose it by its base URL: https://localhost:PORT/bulk/v1 */

namespace regolo::bench {

/// An answer. All of it goes out as fast as the client takes it, unless `interval` says otherwise.
struct workload
{
    std::string name;
    std::string head;
    std::vector<std::string> pieces;  ///< each a write, and with TLS a record (or more), of its own
    std::chrono::nanoseconds interval{};  ///< between the pieces
    bool closes = false;                  ///< the connection, after the answer
    bool endless = false;                 ///< the last piece comes again and again
    /// Where in the last piece, when it comes again, the time goes at which it is sent.
    std::size_t stamp = std::string::npos;
};

/// As an interval: nothing follows the first piece until the client goes away.
inline constexpr auto forever = std::chrono::nanoseconds::max();

/// The digits of a stamp, CLOCK_MONOTONIC in nanoseconds.
inline constexpr std::size_t stamp_size = 20;

/// An answer in so many events, with their blank lines, as LiteLLM sends it.
std::vector<std::string> chat_events(int chunks);

/// Those of `scripts/bench.sh`.
std::vector<workload> make_workloads();

}  // namespace regolo::bench
