#pragma once

#include "net/deadline_timer.hpp"
#include "net/one_shot.hpp"

namespace regolo::net {

/// Wakes one coroutine at a time, unless something else wakes it first: whoever reports to `woken`.
class alarm final : public deadline_timer::entry
{
public:
    explicit alarm(std::shared_ptr<deadline_timer> timer) : entry(std::move(timer)) {}
    ~alarm() { detach(); }

    one_shot woken;

private:
    bool expired() noexcept override
    {
        try
        {
            woken.complete(error_code());
            return true;
        }
        catch (...)
        {
            return false;
        }
    }
};

}  // namespace regolo::net
