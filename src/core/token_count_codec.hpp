#pragma once

#include "core/members.hpp"
#include "core/message_codec.hpp"

#include <regolo/token_count.hpp>

namespace regolo::core {

template <class Members>
void visit_members(const Members& members, like<token_count_request> auto& value)
{
    members("model", value.model);
    members("prompt", value.prompt);
    members("messages", value.messages);
}

template <class Members>
void visit_members(const Members& members, like<token_count> auto& value)
{
    members.required("total_tokens", value.total_tokens);
    members("request_model", value.request_model);
    members("model_used", value.model_used);
    members("tokenizer_type", value.tokenizer_type);
}

}  // namespace regolo::core
