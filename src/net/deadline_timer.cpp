#include "net/deadline_timer.hpp"

#include <algorithm>

namespace regolo::net {

deadline_timer::deadline_timer(std::unique_ptr<clock> time_source) : clock_(std::move(time_source))
{}

deadline_timer::~deadline_timer() { clock_->cancel(); }

void deadline_timer::arm(entry& limit, time_point due)
{
    const std::lock_guard lock(mutex_);
    if (limit.due_ == time_point::max() && due != time_point::max())
        ++armed_;
    if (limit.due_ != time_point::max() && due == time_point::max())
        --armed_;
    limit.due_ = due;
    changed_ = true;
    if (due == time_point::max())
        return;
    if (!limit.is_linked() || due < limit.key_)
    {
        if (limit.is_linked())
            limits_.erase(limits_.iterator_to(limit));
        limit.key_ = due;
        limits_.insert(limit);
    }
    const auto latest = std::min(due, clock_->now() + tick);
    if (wake_at_ == time_point::max() || due < wake_at_)
        sleep_until(latest);
}

void deadline_timer::disarm(entry& limit) noexcept
{
    const std::lock_guard lock(mutex_);
    if (limit.due_ == time_point::max())
        return;
    limit.due_ = time_point::max();
    changed_ = true;
    // A long sleep must not outlast the last limit: it would keep the execution context running.
    if (--armed_ != 0 || wake_at_ <= clock_->now() + tick)
        return;
    try
    {
        sleep_until(clock_->now() + tick);
    }
    catch (...)
    {
        // Out of memory: the clock sleeps no more at all.
    }
}

void deadline_timer::detach(entry& limit) noexcept
{
    disarm(limit);
    const std::lock_guard lock(mutex_);
    if (limit.is_linked())
        limits_.erase(limits_.iterator_to(limit));
}

void deadline_timer::sleep_until(time_point when)
{
    wake_at_ = time_point::max();  // where the clock runs out of memory, the next one tries again
    clock_->wake_at(when, weak_from_this());
    wake_at_ = when;
}

void deadline_timer::woken()
{
    const std::lock_guard lock(mutex_);
    wake_at_ = time_point::max();
    const auto now = clock_->now();
    fire_due(now);
    if (armed_ == 0)
        return;
    // Entries that were lifted stay in the tree until their time comes, so its first may be too early: harmless.
    const auto first = limits_.begin()->key_;
    sleep_until(changed_ ? std::min(first, now + tick) : first);
    changed_ = false;
}

void deadline_timer::fire_due(time_point now)
{
    while (!limits_.empty() && limits_.begin()->key_ <= now)
    {
        entry& limit = *limits_.begin();
        limits_.erase(limits_.begin());
        if (limit.due_ <= now)
        {
            if (limit.expired())
            {
                limit.due_ = time_point::max();
                --armed_;
            }
            else
            {
                limit.key_ = now + tick;
                limits_.insert(limit);
            }
        }
        else if (limit.due_ != time_point::max())
        {
            limit.key_ = limit.due_;
            limits_.insert(limit);
        }
    }
}

}  // namespace regolo::net
