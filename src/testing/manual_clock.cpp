#include "client_state.hpp"

#include <regolo/testing/manual_clock.hpp>

#include <algorithm>
#include <list>
#include <mutex>
#include <utility>

namespace regolo::inline v0::testing {

/// One time for any number of clients, each of which asks to be woken at one time.
struct manual_clock::state
{
    using time_point = net::clock::time_point;

    struct request
    {
        time_point when = time_point::max();
        std::weak_ptr<net::clock::sleeper> whom;
    };

    class clock final : public net::clock
    {
    public:
        explicit clock(std::shared_ptr<state> shared) : state_(std::move(shared))
        {
            const std::lock_guard lock(state_->mutex);
            state_->sleepers.push_back(&self_);
        }
        ~clock() override
        {
            const std::lock_guard lock(state_->mutex);
            state_->sleepers.remove(&self_);
        }

        time_point now() const noexcept override { return state_->read(); }
        std::chrono::system_clock::time_point wall() const noexcept override
        {
            const auto since = state_->read() - state_->began;
            return state_->wall_began +
                   std::chrono::duration_cast<std::chrono::system_clock::duration>(since);
        }
        void wake_at(time_point when, std::weak_ptr<sleeper> whom) override
        {
            const std::lock_guard lock(state_->mutex);
            self_.when = when;
            self_.whom = std::move(whom);
        }
        void cancel() noexcept override
        {
            const std::lock_guard lock(state_->mutex);
            self_ = {};
        }

    private:
        std::shared_ptr<state> state_;
        request self_;
    };

    time_point read() const
    {
        const std::lock_guard lock(mutex);
        return now;
    }

    /// With the lock held.
    request* first() const
    {
        const auto found =
            std::min_element(sleepers.begin(), sleepers.end(),
                             [](const request* a, const request* b) { return a->when < b->when; });
        return found == sleepers.end() || (*found)->when == time_point::max() ? nullptr : *found;
    }

    mutable std::mutex mutex;
    const time_point began = time_point::clock::now();
    const std::chrono::system_clock::time_point wall_began = std::chrono::system_clock::now();
    time_point now = began;
    std::list<request*> sleepers;
};

manual_clock::manual_clock() : state_(std::make_shared<state>()) {}

std::chrono::steady_clock::time_point manual_clock::now() const { return state_->read(); }

void manual_clock::advance(std::chrono::nanoseconds by) const
{
    std::unique_lock lock(state_->mutex);
    const auto end = state_->now + by;
    for (auto* due = state_->first(); due != nullptr && due->when <= end; due = state_->first())
    {
        state_->now = std::max(state_->now, due->when);
        auto whom = due->whom.lock();
        due->when = state::time_point::max();
        // Whoever is woken may ask for the next time.
        lock.unlock();
        if (whom)
            whom->woken();
        whom.reset();  // perhaps the last to own it, and it owns a clock, which takes the lock
        lock.lock();
    }
    state_->now = end;
}

std::optional<std::chrono::nanoseconds> manual_clock::next() const
{
    const std::lock_guard lock(state_->mutex);
    const auto* due = state_->first();
    if (due == nullptr)
        return std::nullopt;
    return std::max(std::chrono::nanoseconds::zero(),
                    std::chrono::nanoseconds(due->when - state_->now));
}

client make_client(boost::asio::any_io_executor executor, client_config config,
                   const manual_clock& clock)
{
    detail::client_state::seams outside;
    outside.clock = std::make_unique<manual_clock::state::clock>(clock.state_);
    return detail::client_access::make(
        detail::client_state::make(std::move(executor), std::move(config), std::move(outside)));
}

}  // namespace regolo::inline v0::testing
