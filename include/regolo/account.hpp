#pragma once

#include <regolo/error.hpp>
#include <regolo/json.hpp>
#include <regolo/metadata.hpp>

#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace regolo::inline v0 {

/// What may be spent and what has been, in the currency of the gateway.
struct budget
{
    budget() = default;

    std::optional<double> spend;
    std::optional<double> max_budget;  ///< unset: no bound
    std::string budget_reset_at;       ///< as sent, such as "2026-09-01T00:00:00Z"
};

/// A key and its budget.
struct key_details : budget
{
    key_details() = default;

    std::string key_alias;
    boost::json::object extra;
};

/// The answer of `GET /key/info`.
struct key_info
{
    key_info() = default;

    std::string key;  ///< a hash of it, or the key itself
    key_details info;
    boost::json::object extra;
    regolo::metadata metadata;
};

/// A user and his budget.
struct user_details : budget
{
    user_details() = default;

    std::string user_id;
    std::string user_email;
    boost::json::object extra;
};

/// The answer of `GET /user/info`.
struct user_info
{
    user_info() = default;

    std::string user_id;
    std::optional<user_details> info;  ///< sent as `user_info`
    std::vector<key_details> keys;
    boost::json::object extra;
    regolo::metadata metadata;
};

/// The days that `activity` and `spend_logs` are about, the last one included. Each as the gateway wants it:
/// "2026-09-01"; empty: not sent.
class REGOLO_EXPORT date_range
{
public:
    date_range() = default;
    date_range(std::string_view first, std::string_view last);

    std::string start_date;
    std::string end_date;
};

/// One day of an `activity`.
struct activity_day
{
    activity_day() = default;

    std::string date;  ///< as sent, such as "Sep 01"
    std::optional<std::int64_t> api_requests;
    std::optional<std::int64_t> total_tokens;
    boost::json::object extra;
};

/// The answer of `GET /global/activity`.
struct activity
{
    activity() = default;

    std::optional<std::int64_t> sum_api_requests;
    std::optional<std::int64_t> sum_total_tokens;
    std::vector<activity_day> daily_data;  ///< empty where the gateway sends the sums alone
    boost::json::object extra;
    regolo::metadata metadata;
};

/// One request, or several of one model, with what they cost.
struct spend_log
{
    spend_log() = default;

    std::string model_group;  ///< the name in the request
    std::optional<std::int64_t> prompt_tokens;
    std::optional<std::int64_t> completion_tokens;
    std::optional<std::int64_t> total_tokens;
    std::optional<double> spend;
    std::string start_time;  ///< as sent in `startTime`
    std::optional<std::int64_t> api_requests;
    boost::json::object extra;
};

/// The answer of `GET /spend/logs/v2`: one page of them, whose number and size are in `extra` where they are sent.
struct spend_logs
{
    spend_logs() = default;

    std::vector<spend_log> data;
    boost::json::object extra;
    regolo::metadata metadata;
};

template <>
REGOLO_EXPORT result<key_info> from_json<key_info>(const boost::json::value& json);
template <>
REGOLO_EXPORT result<user_info> from_json<user_info>(const boost::json::value& json);
template <>
REGOLO_EXPORT result<activity> from_json<activity>(const boost::json::value& json);
template <>
REGOLO_EXPORT result<spend_log> from_json<spend_log>(const boost::json::value& json);
template <>
REGOLO_EXPORT result<spend_logs> from_json<spend_logs>(const boost::json::value& json);
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const key_info& value);
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const user_info& value);
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const activity& value);
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const spend_log& value);
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const spend_logs& value);

}  // namespace regolo::inline v0
