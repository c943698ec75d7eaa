#include "net/scope.hpp"

#include "net/alarm.hpp"
#include "net/saturate.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace regolo::net {

scope::scope(asio::any_io_executor strand, std::shared_ptr<deadline_timer> timer)
    : entry(timer), strand_(std::move(strand)), timer_(std::move(timer))
{}

void scope::abort(reason why)
{
    if (reason_ && !by_phase_)
        return;
    by_phase_ = false;
    end(std::move(why));
}

void scope::end(reason why)
{
    reason_ = std::move(why);
    phase_ = {};
    disarm();
    // Closing first makes the socket go in this turn; the coroutine unwinds in the next.
    if (stream_ != nullptr)
        stream_->close();
    signal_.emit(asio::cancellation_type::terminal);
}

void scope::abort_from_anywhere(reason why) noexcept
{
    try
    {
        asio::dispatch(strand_, [weak = weak_from_this(), why = std::move(why)]() mutable {
            if (const auto self = weak.lock())
                self->abort(std::move(why));
        });
    }
    catch (...)
    {
        // Out of memory: the time limits remain.
    }
}

namespace {

[[noreturn]] void throw_reason(const scope::reason& why)
{
    error_info info;
    info.code = why.code;
    info.message = why.message;
    throw error(std::move(info));
}

}  // namespace

void scope::check() const
{
    if (reason_)
        throw_reason(*reason_);
}

void scope::check_time() const
{
    check();
    if (total_.due <= timer_->now())
        throw_reason({total_.code, limit_text(total_.code, total_.value)});
}

bool scope::revive()
{
    if (!reason_ || !by_phase_)
        return false;
    reason_.reset();
    by_phase_ = false;
    rearm();
    return true;
}

void scope::interrupt()
{
    interrupted_ = true;
    signal_.emit(asio::cancellation_type::terminal);
}

scope::phase_limit::phase_limit(scope& owner, errc code, duration limit, duration used)
    : owner_(owner), code_(code), limit_(limit)
{
    owner_.arm_phase(code, limit, used);
}

scope::phase_limit::~phase_limit() { owner_.disarm_phase(); }

void scope::phase_limit::restart() { owner_.arm_phase(code_, limit_); }

void scope::arm_phase(errc code, duration value, duration used)
{
    if (reason_)
        return;
    phase_ = {};
    if (value > duration::zero())
    {
        phase_ = {later(timer_->now(), std::max(duration::zero(), value - used)), code, value};
    }
    rearm();
}

void scope::disarm_phase()
{
    if (phase_.due == time_point::max())
        return;
    phase_ = {};
    rearm();
}

void scope::limit_total(duration total, std::optional<time_point> deadline)
{
    const auto now = timer_->now();
    if (total > duration::zero())
        total_ = {later(now, total), errc::total_timeout, total};
    if (deadline && *deadline < total_.due)
    {
        const auto left = *deadline > now ? *deadline - now : duration::zero();
        total_ = {*deadline, errc::deadline_exceeded, left};
    }
    rearm();
}

std::optional<scope::time_point> scope::end_of_time() const noexcept
{
    if (total_.due == time_point::max())
        return std::nullopt;
    return total_.due;
}

void scope::rearm()
{
    const auto due = std::min(phase_.due, total_.due);
    if (due == time_point::max())
    {
        disarm();
    }
    else
    {
        arm(due);
    }
}

bool scope::expired() noexcept
{
    try
    {
        asio::post(strand_, [weak = weak_from_this()] {
            if (const auto self = weak.lock())
                self->check_limits();
        });
        return true;
    }
    catch (...)
    {
        return false;
    }
}

void scope::check_limits()
{
    // By now the phase may be over and another one begun.
    const auto now = timer_->now();
    const bool is_phase = phase_.due <= total_.due;
    const limit first = is_phase ? phase_ : total_;
    if (reason_ || first.due == time_point::max())
        return;
    if (first.due > now)
        return rearm();
    by_phase_ = is_phase;
    end({first.code, limit_text(first.code, first.value)});
}

asio::awaitable<void> scope::sleep_until(time_point when)
{
    alarm bell(timer_);
    bell.arm(when);
    co_await bell.woken.wait();
}

std::string limit_text(errc code, std::chrono::nanoseconds value)
{
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(value).count();
    const std::string time = milliseconds % 1000 == 0 ? std::to_string(milliseconds / 1000) + " s"
                                                      : std::to_string(milliseconds) + " ms";
    switch (code)
    {
        case errc::queue_timeout:
            return "no place in the connection pool was free within " + time +
                   " (time_limits::queue)";
        case errc::connect_timeout:
            return "no connection within " + time + " (time_limits::connect)";
        case errc::send_timeout:
            return "no progress in sending the request for " + time + " (time_limits::send)";
        case errc::head_timeout:
            return "no response within " + time + " after the request was sent (time_limits::head)";
        case errc::first_event_timeout:
            return "no event within " + time +
                   " after the response head (time_limits::first_event)";
        case errc::idle_timeout:
            return "not a byte for " + time + " in the middle of the response (time_limits::idle)";
        case errc::total_timeout:
            return "the call did not finish within " + time + " (time_limits::total)";
        default:
            if (value <= value.zero())
                return "the call's deadline (call_options::deadline) had passed before it began";
            return "the call's deadline passed (call_options::deadline), " + time +
                   " after its start";
    }
}

}  // namespace regolo::net
