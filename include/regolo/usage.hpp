#pragma once

#include <regolo/error.hpp>
#include <regolo/json.hpp>

#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>

namespace regolo::inline v0 {

/// `usage.prompt_tokens_details`.
struct prompt_tokens_details
{
    prompt_tokens_details() = default;

    std::optional<std::int64_t> cached_tokens;
    std::optional<std::int64_t> audio_tokens;
    boost::json::object extra;
};

/// `usage.completion_tokens_details`.
struct completion_tokens_details
{
    completion_tokens_details() = default;

    std::optional<std::int64_t> reasoning_tokens;
    std::optional<std::int64_t> audio_tokens;
    std::optional<std::int64_t> accepted_prediction_tokens;
    std::optional<std::int64_t> rejected_prediction_tokens;
    boost::json::object extra;
};

/// Tokens used, as the server counted them. What it did not send is unset, never zero.
struct usage
{
    usage() = default;

    std::optional<std::int64_t> prompt_tokens;
    std::optional<std::int64_t> completion_tokens;
    std::optional<std::int64_t> total_tokens;
    std::optional<regolo::prompt_tokens_details> prompt_tokens_details;
    std::optional<regolo::completion_tokens_details> completion_tokens_details;
    boost::json::object extra;
};

template <>
REGOLO_EXPORT result<usage> from_json<usage>(const boost::json::value& json);
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const usage& value);

}  // namespace regolo::inline v0
