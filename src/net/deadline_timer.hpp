#pragma once

#include "net/world.hpp"

#include <boost/intrusive/set.hpp>

#include <memory>
#include <mutex>

namespace regolo::net {

/** Every time limit of a client, on one timer.

    Limits are set and lifted around each read, far more often than they fire. So a limit that moves to
    a later time, or is lifted, only changes a number; its place in the tree is put right when its old time
    comes. The timer underneath sleeps for at most a tick while limits come and go, and longer only when a tick
    has passed without a change, so that busy streams do not set it again and again.
*/
class deadline_timer final : public std::enable_shared_from_this<deadline_timer>,
                             public clock::sleeper
{
public:
    using time_point = clock::time_point;

    /// How long the timer may outlast the last limit, in which it keeps its execution context busy.
    static constexpr std::chrono::milliseconds tick{10};

    /// A limit that can be set. Part of the object that it ends.
    class entry : public boost::intrusive::set_base_hook<>
    {
    public:
        explicit entry(std::shared_ptr<deadline_timer> timer) : timer_(std::move(timer)) {}
        entry(const entry&) = delete;
        entry& operator=(const entry&) = delete;

        void arm(time_point due) { timer_->arm(*this, due); }
        void disarm() noexcept { timer_->disarm(*this); }

        friend bool operator<(const entry& a, const entry& b) noexcept { return a.key_ < b.key_; }

    protected:
        /// Takes the entry out of the timer; after it `expired` is not called. For destructors.
        void detach() noexcept { timer_->detach(*this); }
        ~entry() = default;

    private:
        friend class deadline_timer;

        /// The time has come. Called with the timer locked, on any thread: post, and do nothing else.
        /// @returns false when that failed for lack of memory: it is tried again a tick later
        virtual bool expired() noexcept = 0;

        std::shared_ptr<deadline_timer> timer_;
        time_point due_ = time_point::max();  // max: not armed
        time_point key_ = time_point::max();  // where it stands in the tree: never after due_
    };

    explicit deadline_timer(std::unique_ptr<clock> time_source);
    ~deadline_timer();

    [[nodiscard]] time_point now() const noexcept { return clock_->now(); }
    [[nodiscard]] std::chrono::system_clock::time_point wall() const noexcept
    {
        return clock_->wall();
    }

private:
    using tree = boost::intrusive::multiset<entry>;

    void arm(entry& limit, time_point due);
    void disarm(entry& limit) noexcept;
    void detach(entry& limit) noexcept;
    void woken() override;
    void fire_due(time_point now);
    void sleep_until(time_point when);

    std::unique_ptr<clock> clock_;
    std::mutex mutex_;
    tree limits_;
    std::size_t armed_ = 0;                   // entries whose due_ is set
    time_point wake_at_ = time_point::max();  // when the clock will call; max: never
    bool changed_ = false;                    // a limit was set or lifted since the last tick
};

}  // namespace regolo::net
