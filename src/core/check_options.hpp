#pragma once

#include <regolo/error.hpp>
#include <regolo/options.hpp>

#include <chrono>
#include <optional>

namespace regolo::core {

/** Whether each member is in its range. Fails with `errc::bad_config`; the text names the member, the range and the
    value. */
result<void> check(const time_limits& time);
result<void> check(const retry_policy& retry);
result<void> check(const pool_options& pool);
result<void> check(const limits& bounds);

/// The time limits that a call runs under; nothing: no limit.
struct resolved_limits
{
    using duration = time_limits::duration;

    std::optional<duration> queue;
    std::optional<duration> connect;
    std::optional<duration> send;
    std::optional<duration> head;
    std::optional<duration> first_event;
    std::optional<duration> idle;
    std::optional<duration> total;
};

/// Member by member the call's value, else the client's, else the default.
resolved_limits resolve(const time_limits& call, const time_limits& client);

}  // namespace regolo::core
