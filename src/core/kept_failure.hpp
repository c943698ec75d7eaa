#pragma once

#include <regolo/error.hpp>

#include <memory>
#include <utility>

namespace regolo::core {

/** A failure that hardly ever comes, kept on the heap: a kilobyte, which most of those who have a place for one never need. */
class kept_failure
{
public:
    kept_failure() = default;
    /// @throws std::bad_alloc
    kept_failure(error_info info) : info_(std::make_unique<error_info>(std::move(info))) {}

    void reset() noexcept { info_.reset(); }

    [[nodiscard]] explicit operator bool() const noexcept { return info_ != nullptr; }

    /// @par Preconditions  there is one
    [[nodiscard]] error_info& operator*() noexcept { return *info_; }
    [[nodiscard]] const error_info& operator*() const noexcept { return *info_; }
    [[nodiscard]] error_info* operator->() noexcept { return info_.get(); }
    [[nodiscard]] const error_info* operator->() const noexcept { return info_.get(); }

    /// The one that is kept; an empty one where there is none.
    [[nodiscard]] const error_info& value_or_empty() const noexcept
    {
        return info_ ? *info_ : no_failure();
    }

    [[nodiscard]] static const error_info& no_failure() noexcept
    {
        static const error_info none;
        return none;
    }

private:
    std::unique_ptr<error_info> info_;
};

}  // namespace regolo::core
