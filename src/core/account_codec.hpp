#pragma once

#include "core/members.hpp"

#include <regolo/account.hpp>

namespace regolo::core {

template <class Members, class Noun>
void visit_budget(const Members& members, Noun& value)
{
    members("spend", value.spend);
    members("max_budget", value.max_budget);
    members("budget_reset_at", value.budget_reset_at);
}

template <class Members>
void visit_members(const Members& members, like<key_details> auto& value)
{
    members("key_alias", value.key_alias);
    visit_budget(members, value);
}

template <class Members>
void visit_members(const Members& members, like<key_info> auto& value)
{
    members("key", value.key);
    members.required("info", value.info);
}

template <class Members>
void visit_members(const Members& members, like<user_details> auto& value)
{
    members("user_id", value.user_id);
    members("user_email", value.user_email);
    visit_budget(members, value);
}

template <class Members>
void visit_members(const Members& members, like<user_info> auto& value)
{
    members("user_id", value.user_id);
    members("user_info", value.info);
    members("keys", value.keys);
}

template <class Members>
void visit_members(const Members& members, like<activity_day> auto& value)
{
    members("date", value.date);
    members("api_requests", value.api_requests);
    members("total_tokens", value.total_tokens);
}

template <class Members>
void visit_members(const Members& members, like<activity> auto& value)
{
    members("sum_api_requests", value.sum_api_requests);
    members("sum_total_tokens", value.sum_total_tokens);
    members("daily_data", value.daily_data);
}

template <class Members>
void visit_members(const Members& members, like<spend_log> auto& value)
{
    members("model_group", value.model_group);
    members("prompt_tokens", value.prompt_tokens);
    members("completion_tokens", value.completion_tokens);
    members("total_tokens", value.total_tokens);
    members("spend", value.spend);
    members("startTime", value.start_time);
    members("api_requests", value.api_requests);
}

template <class Members>
void visit_members(const Members& members, like<spend_logs> auto& value)
{
    members.needed("data", value.data);
}

}  // namespace regolo::core
