#pragma once

#include "core/members.hpp"

#include <regolo/model_info.hpp>

namespace regolo::core {

template <class Members, class Noun>
void visit_facts(const Members& members, Noun& value)
{
    members("mode", value.mode);
    members("input_cost_per_token", value.input_cost_per_token);
    members("output_cost_per_token", value.output_cost_per_token);
    members("max_tokens", value.max_tokens);
    members("max_input_tokens", value.max_input_tokens);
    members("max_output_tokens", value.max_output_tokens);
    members("supports_reasoning", value.supports_reasoning);
    members("supports_vision", value.supports_vision);
}

template <class Members>
void visit_members(const Members& members, like<model_details> auto& value)
{
    members("id", value.id);
    visit_facts(members, value);
}

template <class Members>
void visit_members(const Members& members, like<model_deployment> auto& value)
{
    members("model_name", value.model_name);
    members(members.either("litellm_params", "regolo_params"), value.params);
    members("model_info", value.info);
}

template <class Members>
void visit_members(const Members& members, like<model_info_list> auto& value)
{
    members.needed("data", value.data);
}

template <class Members>
void visit_members(const Members& members, like<model_group> auto& value)
{
    members("model_group", value.name);
    visit_facts(members, value);
}

template <class Members>
void visit_members(const Members& members, like<model_group_list> auto& value)
{
    members.needed("data", value.data);
}

template <class Members>
void visit_members(const Members& members, like<supported_parameters> auto& value)
{
    members.needed("supported_openai_params", value.names);
}

}  // namespace regolo::core
