#pragma once

#include <regolo/error.hpp>

#include <atomic>
#include <string>
#include <utility>

namespace regolo::inline v0::detail {

/// Lets one caller in at a time; a second one hears `errc::operation_in_progress`.
class turn
{
public:
    /// Of nothing.
    turn() noexcept = default;
    turn(std::atomic<bool>& busy, phase where, const char* explanation) : busy_(&busy)
    {
        if (!busy_->exchange(true, std::memory_order_acquire))
            return;
        error_info info;
        info.code = errc::operation_in_progress;
        info.where = where;
        info.message = explanation;
        throw error(std::move(info));
    }
    ~turn()
    {
        if (busy_ != nullptr)
            busy_->store(false, std::memory_order_release);
    }
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;

private:
    std::atomic<bool>* busy_ = nullptr;
};

}  // namespace regolo::inline v0::detail
