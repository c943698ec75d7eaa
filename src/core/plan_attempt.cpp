#include "core/plan_attempt.hpp"

#include "core/api_error.hpp"
#include "core/duration_text.hpp"
#include "core/text.hpp"

#include <boost/system/errc.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace regolo::core {
namespace {

using std::chrono::microseconds;

/// What the last failure was, as far as repeating it goes.
enum class failure_kind
{
    final,   ///< the caller, this client, or something that stays as it is
    status,  ///< the API's answer
    broken,  ///< the connection
    empty,   ///< the answer, which says nothing
};

failure_kind classify(const error_info& last) noexcept
{
    if (last.code == boost::system::errc::operation_canceled)
    {
        return failure_kind::final;  // asked for by the caller, even while an error's body arrived
    }
    if (last.code.category() != error_category())
    {
        return failure_kind::broken;  // the operating system, the resolver or OpenSSL
    }
    const auto code = static_cast<errc>(last.code.value());
    if (code >= errc::bad_request && code <= errc::api_error)
    {
        return failure_kind::status;
    }
    switch (code)
    {
        case errc::empty_answer:
            return failure_kind::empty;
        case errc::connect_timeout:
        case errc::send_timeout:
        case errc::host_not_found:
        case errc::connection_lost:
        case errc::truncated:
            return failure_kind::broken;
        default:
            return failure_kind::final;
    }
}

bool is_retried_status(const call_view& call, int status) noexcept
{
    if (status == 408 || status == 504)
    {
        // a server that worked for so long will need as long again
        return call.attempt_took <= call.policy.late_timeout;
    }
    return status == 409 || status == 429 || status >= 500;
}

bool is_worth_repeating(const call_view& call, const error_info& last)
{
    if (call.delivered || is_exhausted(last))
    {
        return false;
    }
    switch (classify(last))
    {
        case failure_kind::status:
            return last.should_retry.value_or(is_retried_status(call, effective_status(last)));
        case failure_kind::broken:
            if (last.sent)
            {
                return call.policy.replay_sent;
            }
            return last.where >= phase::resolve && last.where <= phase::send;
        case failure_kind::empty:
            return last.should_retry.value_or(true);
        case failure_kind::final:
            break;
    }
    return false;
}

/// min(initial * 2^retries, max), less the jitter.
microseconds backoff(const call_view& call, int retries)
{
    const microseconds max = call.policy.max_delay;
    microseconds delay = std::min<microseconds>(call.policy.initial_delay, max);
    for (; retries > 0 && delay.count() > 0 && delay < max; --retries)
    {
        delay = delay > max / 2 ? max : delay * 2;
    }
    const double share = 1 - call.policy.jitter * call.random;
    return microseconds(std::llround(static_cast<double>(delay.count()) * share));
}

/// The wait that the server asks for, and a little more, so that not all clients come back at once.
microseconds spread(const call_view& call, microseconds floor)
{
    constexpr microseconds least = std::chrono::milliseconds(250);
    const microseconds most = std::max(floor / 10, least);
    return floor + microseconds(std::llround(static_cast<double>(most.count()) * call.random));
}

give_up give_up_since(const error_info& last, const std::string& reason)
{
    error_info info = last;
    info.message += info.message.empty() ? reason : "; " + reason;
    return {std::move(info)};
}

}  // namespace

attempt_plan plan_attempt(const call_view& call, int number, const error_info* last)
{
    const std::size_t targets = std::max<std::size_t>(call.targets, 1);
    const attempt next{static_cast<std::size_t>(std::max(number, 0)) % targets};
    if (!last)
    {
        if (call.time_left && call.time_left->count() <= 0)
        {
            return give_up{failure(errc::deadline_exceeded,
                                   "the deadline had passed before the first attempt")};
        }
        return next;
    }
    if (number > call.policy.max_retries || !is_worth_repeating(call, *last))
    {
        return give_up{};
    }
    wait plan;
    plan.next = next;
    if (last->retry_after)
    {
        if (*last->retry_after > call.policy.retry_after_cap)
        {
            return give_up_since(*last, "the server asks to wait " + to_text(*last->retry_after) +
                                            ", more than retry_policy::retry_after_cap (" +
                                            to_text(call.policy.retry_after_cap) + ")");
        }
        const int status = effective_status(*last);
        plan.floor = *last->retry_after;
        plan.delay = spread(call, plan.floor);
        plan.gates_client = status == 429 || status == 503;
    }
    else
    {
        plan.delay = backoff(call, number - 1);
    }
    if (call.time_left && plan.delay >= *call.time_left)
    {
        return give_up_since(*last, "no time is left for another attempt, which would start in " +
                                        to_text(plan.delay));
    }
    return plan;
}

}  // namespace regolo::core
