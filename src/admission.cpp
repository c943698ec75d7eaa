#include "admission.hpp"

#include <algorithm>

namespace regolo::inline v0::detail {

std::chrono::nanoseconds spread(net::random_source& random)
{
    constexpr std::chrono::duration<double, std::milli> longest{250};
    return std::chrono::duration_cast<std::chrono::nanoseconds>(longest * random.uniform());
}

std::optional<admission::ticket> client_admission::try_admit(time_point not_before, time_point now)
{
    return not_before <= now && paused_until() <= now ? std::optional<ticket>(0) : std::nullopt;
}

boost::asio::awaitable<admission::ticket> client_admission::admit(std::shared_ptr<net::scope> call,
                                                                  time_point not_before)
{
    const auto now = [&] { return call->timer().now(); };
    if (not_before > now())
        co_await call->sleep_until(not_before);
    for (auto until = paused_until(); until > now(); until = paused_until())
        co_await call->sleep_until(until + spread(*random_));
    co_return 0;
}

void client_admission::pause_until(time_point when)
{
    const std::lock_guard lock(mutex_);
    paused_until_ = std::max(paused_until_, when);
}

admission::time_point client_admission::paused_until() const
{
    const std::lock_guard lock(mutex_);
    return paused_until_;
}

}  // namespace regolo::inline v0::detail
