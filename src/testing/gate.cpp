#include <regolo/testing/gate.hpp>

#include <condition_variable>
#include <map>
#include <mutex>
#include <utility>

namespace regolo::inline v0::testing {

struct gate::state
{
    std::mutex mutex;
    std::condition_variable opened;
    bool is_open = false;
    std::map<const void*, std::function<void()>> actions;
};

gate::gate() : state_(std::make_shared<state>()) {}

void gate::open()
{
    const std::lock_guard lock(state_->mutex);
    state_->is_open = true;
    // Under the lock: forget() may then promise that no action runs after it. Actions only post.
    for (const auto& [owner, action] : state_->actions)
        action();
    state_->actions.clear();
    state_->opened.notify_all();
}

bool gate::is_open() const
{
    const std::lock_guard lock(state_->mutex);
    return state_->is_open;
}

bool gate::wait(std::chrono::milliseconds timeout) const
{
    std::unique_lock lock(state_->mutex);
    // Not wait_for: its pthread_cond_clockwait is unknown to the thread sanitizer of GCC 12.
    return state_->opened.wait_until(lock, std::chrono::system_clock::now() + timeout,
                                     [this] { return state_->is_open; });
}

bool gate::when_open(const void* owner, std::function<void()> action)
{
    const std::lock_guard lock(state_->mutex);
    if (state_->is_open)
        return false;
    state_->actions[owner] = std::move(action);
    return true;
}

void gate::forget(const void* owner)
{
    const std::lock_guard lock(state_->mutex);
    state_->actions.erase(owner);
}

}  // namespace regolo::inline v0::testing
