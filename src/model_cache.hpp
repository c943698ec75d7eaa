#pragma once

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace regolo::inline v0::detail {

/// The names of the server's models, for a while. Safe from any thread.
class model_cache
{
public:
    using time_point = std::chrono::steady_clock::time_point;

    /// Whether there is such a model; nothing where the list is too old to tell.
    [[nodiscard]] std::optional<bool> knows(std::string_view name, time_point now) const
    {
        const std::lock_guard lock(mutex_);
        const bool found = std::find(names_.begin(), names_.end(), name) != names_.end();
        // A model may have come since.
        const auto age_limit = found ? std::chrono::seconds(300) : std::chrono::seconds(10);
        if (!fetched_ || now - *fetched_ > age_limit)
            return std::nullopt;
        return found;
    }

    void put(std::vector<std::string> names, time_point now)
    {
        const std::lock_guard lock(mutex_);
        names_ = std::move(names);
        fetched_ = now;
    }

    [[nodiscard]] std::vector<std::string> names() const
    {
        const std::lock_guard lock(mutex_);
        return names_;
    }

private:
    mutable std::mutex mutex_;
    std::vector<std::string> names_;
    std::optional<time_point> fetched_;
};

}  // namespace regolo::inline v0::detail
