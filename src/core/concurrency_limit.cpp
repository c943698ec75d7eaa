#include "core/concurrency_limit.hpp"

#include <algorithm>

namespace regolo::core {

namespace {

constexpr std::size_t least_patience = 2;
constexpr std::size_t most_patience = 64;

}  // namespace

concurrency_limit::concurrency_limit(std::size_t maximum) noexcept
    : maximum_(std::max<std::size_t>(maximum, 1)), allowed_(maximum_)
{}

concurrency_limit::burst concurrency_limit::begin() noexcept
{
    ++active_;
    return burst_;
}

void concurrency_limit::end(burst begun, bool refused) noexcept
{
    if (refused)
    {
        lower(begun);
    }
    else
    {
        raise();
    }
    --active_;
}

void concurrency_limit::lower(burst begun) noexcept
{
    if (begun == burst_)
    {
        ++burst_;
        allowed_ = std::min(allowed_, active_);
        ramp_ = std::max<std::size_t>(allowed_ / 2, 1);
        if (raised_)
        {
            patience_ = std::min(2 * patience_, most_patience);
        }
    }
    allowed_ = std::max<std::size_t>(allowed_ - 1, 1);
    successes_ = 0;
    raised_ = false;
}

void concurrency_limit::raise() noexcept
{
    if (allowed_ < ramp_)
    {
        ++allowed_;
        return;
    }
    if (allowed_ == maximum_ || ++successes_ < patience_ * allowed_)
    {
        return;
    }
    if (raised_)  // and nobody has refused since
    {
        patience_ = std::max(patience_ / 2, least_patience);
    }
    ++allowed_;
    successes_ = 0;
    raised_ = true;
}

}  // namespace regolo::core
