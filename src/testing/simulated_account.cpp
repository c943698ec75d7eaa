// What the gateway tells about a key and its use.

#include "testing/simulated_endpoint.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <optional>

namespace json = boost::json;

namespace regolo::inline v0::testing {

namespace {

constexpr std::string_view key_hash = "5699abcd";

json::object key_details()
{
    return {{"key_alias", "simulation"},
            {"key_name", "sk-...8aSP"},
            {"spend", 2.5},
            {"max_budget", 10.0},
            {"budget_reset_at", "2026-09-01T00:00:00Z"},
            {"models", json::array()},
            {"tpm_limit", nullptr}};
}

bool is_date(std::string_view text)
{
    return text.size() >= 10 && text[4] == '-' && text[7] == '-' &&
           std::all_of(text.begin(), text.begin() + 4, [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<simulated_error> check_dates(const endpoint_call& call)
{
    if (is_date(call.query("start_date")) && is_date(call.query("end_date")))
        return std::nullopt;
    return bad_request_error("Please provide start_date and end_date", "start_date");
}

std::size_t number_of(const std::string& text, std::size_t otherwise)
{
    const bool is_number = !text.empty() && text.size() < 8 &&
                           text.find_first_not_of("0123456789") == std::string::npos;
    return is_number ? static_cast<std::size_t>(std::stoul(text)) : otherwise;
}

}  // namespace

endpoint_answer answer_key_info(const endpoint_call&)
{
    return simulated_body{json::object{{"key", key_hash}, {"info", key_details()}}, 0};
}

endpoint_answer answer_user_info(const endpoint_call&)
{
    auto key = key_details();
    key["token"] = key_hash;
    return simulated_body{json::object{{"user_id", "sim-user"},
                                       {"user_info", json::object{{"user_id", "sim-user"},
                                                                  {"user_email", nullptr},
                                                                  {"spend", 2.5},
                                                                  {"max_budget", nullptr}}},
                                       {"keys", json::array{std::move(key)}},
                                       {"teams", json::array()}},
                          0};
}

endpoint_answer answer_activity(const endpoint_call& call)
{
    if (auto error = check_dates(call))
        return *error;
    json::array days{
        {{"date", call.query("start_date")}, {"api_requests", 10}, {"total_tokens", 20000}},
        {{"date", call.query("end_date")}, {"api_requests", 4}, {"total_tokens", 9027}}};
    return simulated_body{
        json::object{
            {"daily_data", std::move(days)}, {"sum_api_requests", 14}, {"sum_total_tokens", 29027}},
        0};
}

endpoint_answer answer_spend_logs(const endpoint_call& call)
{
    static constexpr std::size_t total = 3;
    if (auto error = check_dates(call))
        return *error;
    const auto page = std::max<std::size_t>(number_of(call.query("page"), 1), 1);
    const auto size = std::max<std::size_t>(number_of(call.query("page_size"), 50), 1);
    json::array data;
    for (auto i = (page - 1) * size; i < std::min(page * size, total); ++i)
        data.push_back({{"request_id", "chatcmpl-" + std::to_string(i)},
                        {"model_group", call.models.empty() ? "none" : call.models.front()},
                        {"prompt_tokens", 12},
                        {"completion_tokens", 30},
                        {"total_tokens", 42},
                        {"spend", 0.000126},
                        {"startTime", call.query("start_date") + "T10:00:00Z"},
                        {"api_requests", 1}});
    return simulated_body{json::object{{"data", std::move(data)},
                                       {"total", total},
                                       {"page", page},
                                       {"page_size", size},
                                       {"total_pages", (total + size - 1) / size}},
                          0};
}

}  // namespace regolo::inline v0::testing
