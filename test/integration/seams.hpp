#pragma once

#include "client_state.hpp"
#include "support/manual_clock.hpp"

#include <regolo/client.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

// Clients whose time and chance are the test's.

namespace regolo::test {

/// No jitter: the lower end of every wait that is a floor, the upper end of every backoff.
class no_chance final : public net::random_source
{
public:
    std::uint64_t next() noexcept override { return calls_++; }

private:
    std::atomic<std::uint64_t> calls_{0};
};

inline client without_jitter(boost::asio::any_io_executor executor, client_config config,
                             std::unique_ptr<net::clock> clock = nullptr)
{
    regolo::detail::client_state::seams outside;
    outside.random = std::make_shared<no_chance>();
    outside.clock = std::move(clock);
    return regolo::detail::client_access::make(regolo::detail::client_state::make(
        std::move(executor), std::move(config), std::move(outside)));
}

}  // namespace regolo::test
