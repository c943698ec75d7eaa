#pragma once

#include "core/members.hpp"

#include <regolo/usage.hpp>

namespace regolo::core {

template <class Members>
void visit_members(const Members& members, like<prompt_tokens_details> auto& value)
{
    members("cached_tokens", value.cached_tokens);
    members("audio_tokens", value.audio_tokens);
}

template <class Members>
void visit_members(const Members& members, like<completion_tokens_details> auto& value)
{
    members("reasoning_tokens", value.reasoning_tokens);
    members("audio_tokens", value.audio_tokens);
    members("accepted_prediction_tokens", value.accepted_prediction_tokens);
    members("rejected_prediction_tokens", value.rejected_prediction_tokens);
}

template <class Members>
void visit_members(const Members& members, like<usage> auto& value)
{
    members("prompt_tokens", value.prompt_tokens);
    members("completion_tokens", value.completion_tokens);
    members("total_tokens", value.total_tokens);
    members("prompt_tokens_details", value.prompt_tokens_details);
    members("completion_tokens_details", value.completion_tokens_details);
}

}  // namespace regolo::core
