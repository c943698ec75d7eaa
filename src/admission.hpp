#pragma once

#include "net/scope.hpp"

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <mutex>

namespace regolo::inline v0::detail {

/** Stands before each attempt of a client and may make it wait. Rate limiters plug in here; the default lets everything
    pass, except while a server has asked for a pause. */
class admission
{
public:
    using time_point = net::clock::time_point;

    explicit admission(std::shared_ptr<net::random_source> random) : random_(std::move(random)) {}

    /// Returns when the attempt may start. Runs on the strand of the call.
    boost::asio::awaitable<void> admit(std::shared_ptr<net::scope> call);

    /// A server asked for a pause (429, 503 with retry-after): no attempt starts before that time.
    void pause_until(time_point when);

private:
    std::shared_ptr<net::random_source> random_;
    std::mutex mutex_;
    time_point paused_until_ = time_point::min();
};

}  // namespace regolo::inline v0::detail
