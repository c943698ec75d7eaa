#pragma once

#include "soak/ledger.hpp"

#include <regolo/testing/test_server.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace regolo::soak {

struct server_plan
{
    std::size_t index = 0;  // its place in the ledger
    std::uint16_t port = 0;
    bool tls = false;
    std::shared_ptr<const testing::certificate_authority> authority;
    std::uint64_t seed = 0;
    bool faults = true;
    /// Requests until the process kills itself, on average; zero: never.
    std::uint64_t restart_every = 0;
    /// The system takes little of what nobody reads.
    bool small_buffers = false;
};

/// Answers what tasks ask for, and does faults at random. Ends by SIGKILL alone.
[[noreturn]] void serve(const server_plan& plan, ledger& shared);

}  // namespace regolo::soak
