#pragma once

#include "net/world.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <utility>

namespace regolo::test {

/** A clock that a test moves by hand.

    The clock itself is given away; the test keeps `time`, which outlives it.
*/
class manual_time
{
public:
    using time_point = net::clock::time_point;

    /// What to give to the owner of a clock.
    [[nodiscard]] std::unique_ptr<net::clock> make_clock()
    {
        return std::make_unique<clock>(state_);
    }

    [[nodiscard]] time_point now() const noexcept { return state_->now; }

    /// Goes on, and wakes whoever asked for it on the way, at his time.
    void advance(std::chrono::nanoseconds by)
    {
        const auto end = state_->now + by;
        while (state_->wake && state_->wake_at <= end)
        {
            state_->now = std::max(state_->now, state_->wake_at);
            ++state_->wake_ups;
            std::exchange(state_->wake, nullptr)();
        }
        state_->now = end;
    }

    /// When the sleeper is to be woken; the end of time when nobody sleeps.
    [[nodiscard]] time_point wake_at() const noexcept
    {
        return state_->wake ? state_->wake_at : time_point::max();
    }

    /// How often somebody was woken, and how often somebody asked for it.
    [[nodiscard]] int wake_ups() const noexcept { return state_->wake_ups; }
    [[nodiscard]] int requests() const noexcept { return state_->requests; }

private:
    struct state
    {
        time_point now{std::chrono::hours(1000)};
        time_point wake_at{};
        std::function<void()> wake;
        int wake_ups = 0;
        int requests = 0;
    };

    class clock final : public net::clock
    {
    public:
        explicit clock(std::shared_ptr<state> shared) : state_(std::move(shared)) {}
        ~clock() override { cancel(); }

        time_point now() const noexcept override { return state_->now; }
        std::chrono::system_clock::time_point wall() const noexcept override
        {
            return std::chrono::system_clock::time_point(
                std::chrono::duration_cast<std::chrono::system_clock::duration>(
                    state_->now.time_since_epoch()));
        }
        void wake_at(time_point when, std::weak_ptr<sleeper> whom) override
        {
            state_->wake_at = when;
            state_->wake = [whom = std::move(whom)] {
                if (const auto one = whom.lock())
                    one->woken();
            };
            ++state_->requests;
        }
        void cancel() noexcept override { state_->wake = nullptr; }

    private:
        std::shared_ptr<state> state_;
    };

    std::shared_ptr<state> state_ = std::make_shared<state>();
};

}  // namespace regolo::test
