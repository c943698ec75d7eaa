#pragma once

#include "net/scope.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

namespace regolo::inline v0::detail {

/** Stands before each attempt of a call and may make it wait. Rate limiters plug in here. Safe from any thread. */
class admission
{
public:
    using time_point = net::clock::time_point;

    virtual ~admission() = default;

    /// What an attempt was admitted with, and leaves with.
    using ticket = std::uint64_t;

    /// The same as `admit`, where the attempt may start now.
    [[nodiscard]] virtual std::optional<ticket> try_admit(time_point /*not_before*/,
                                                          time_point /*now*/)
    {
        return std::nullopt;
    }
    /// Returns when the attempt may start, and not before that time. Runs on the strand of the call.
    /// @throws error  to end the call instead
    virtual boost::asio::awaitable<ticket> admit(std::shared_ptr<net::scope> call,
                                                 time_point not_before) = 0;

    /// The attempt is over.
    /// @param refused  by a server that was asked for too much (429 or 503)
    virtual void leave(ticket held, bool refused) noexcept = 0;

    /// A server asked for a pause (429, 503 with retry-after): no attempt starts before that time.
    virtual void pause_until(time_point when) = 0;

    /// A server asked one attempt for a pause, whether or not it will be made again.
    virtual void note_refusal(time_point until) = 0;
};

/// Added to a pause, so that those who wait for its end do not all start in the same instant.
std::chrono::nanoseconds spread(net::random_source& random);

/// What an attempt has been admitted to, and leaves.
class admitted
{
public:
    admitted(admission& gate, admission::ticket held) noexcept : gate_(&gate), ticket_(held) {}
    ~admitted() { leave(false); }
    admitted(const admitted&) = delete;
    admitted& operator=(const admitted&) = delete;

    void leave(bool refused) noexcept
    {
        if (auto* gate = std::exchange(gate_, nullptr))
            gate->leave(ticket_, refused);
    }

private:
    admission* gate_;
    admission::ticket ticket_;
};

/// The one of a client: lets everything pass, except while a server has asked for a pause.
class client_admission final : public admission
{
public:
    explicit client_admission(std::shared_ptr<net::random_source> random)
        : random_(std::move(random))
    {}

    std::optional<ticket> try_admit(time_point not_before, time_point now) override;
    boost::asio::awaitable<ticket> admit(std::shared_ptr<net::scope> call,
                                         time_point not_before) override;
    void leave(ticket, bool) noexcept override {}
    void pause_until(time_point when) override;
    /// A call that gives up is no reason for the others to wait.
    void note_refusal(time_point) override {}

    [[nodiscard]] time_point paused_until() const;

private:
    std::shared_ptr<net::random_source> random_;
    mutable std::mutex mutex_;
    time_point paused_until_ = time_point::min();
};

}  // namespace regolo::inline v0::detail
