#pragma once

#include "net/world.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace regolo::soak {

/** A name server whose answers change: each port in a URL stands for a group of servers, of which the name is at one at a
    time. */
class moving_names final : public net::resolver
{
public:
    /// Port N in a URL is the group N - 1.
    explicit moving_names(std::vector<std::vector<std::uint16_t>> groups)
        : groups_(std::move(groups))
    {}

    net::asio::awaitable<addresses> resolve(std::string, std::uint16_t port) override
    {
        const auto& group = groups_.at(port - std::size_t{1});
        ++look_ups;
        co_return addresses(
            1, {net::asio::ip::address_v4::loopback(), group.at(turn_.load() % group.size())});
    }

    void forget(const std::string&, std::uint16_t) override { ++forgotten; }

    /// Every name goes on to the next server.
    void move() noexcept { ++turn_; }
    [[nodiscard]] std::size_t moves() const noexcept { return turn_; }

    std::atomic<std::uint64_t> look_ups{0};
    std::atomic<std::uint64_t> forgotten{0};

private:
    const std::vector<std::vector<std::uint16_t>> groups_;
    std::atomic<std::size_t> turn_{0};
};

}  // namespace regolo::soak
