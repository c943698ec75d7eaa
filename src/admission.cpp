#include "admission.hpp"

#include <algorithm>

namespace regolo::inline v0::detail {

namespace {

// Calls that were held back do not all start in the same instant.
constexpr std::chrono::milliseconds spread{250};

}  // namespace

boost::asio::awaitable<void> admission::admit(std::shared_ptr<net::scope> call)
{
    for (;;)
    {
        time_point until;
        {
            const std::lock_guard lock(mutex_);
            until = paused_until_;
        }
        if (until <= call->timer().now())
            co_return;
        const auto extra = std::chrono::duration<double, std::milli>(spread) * random_->uniform();
        co_await call->sleep_until(until +
                                   std::chrono::duration_cast<std::chrono::nanoseconds>(extra));
    }
}

void admission::pause_until(time_point when)
{
    const std::lock_guard lock(mutex_);
    paused_until_ = std::max(paused_until_, when);
}

}  // namespace regolo::inline v0::detail
