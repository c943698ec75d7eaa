#pragma once

#include "core/answer_members.hpp"
#include "core/message_codec.hpp"
#include "core/request_body.hpp"
#include "core/response_format_codec.hpp"
#include "core/tool_codec.hpp"

#include <regolo/chat.hpp>

namespace regolo::core {

bool read_json(json_view json, const json_place& place, chat_request& out);
bool read_json(json_view json, const json_place& place, chat_choice& out);

template <class Members>
void visit_members(const Members& members, like<chat_request> auto& value)
{
    members("model", value.model);
    echoed messages{value.messages, value.echo};
    members.needed("messages", messages);
    visit_generation(members, value);
    members("max_completion_tokens", value.max_completion_tokens);
    members("top_logprobs", value.top_logprobs);
    members("tools", value.tools);
    members("parallel_tool_calls", value.parallel_tool_calls);
    members("response_format", value.response_format);
    members("thinking", value.thinking);
    members("reasoning_effort", value.reasoning_effort);
    members("chat_template_kwargs", value.chat_template_kwargs);
    members("metadata", value.metadata);
    members("service_tier", value.service_tier);
    members("tool_choice", value.tool_choice);
}

template <class Members>
void visit_members(const Members& members, like<token_logprob> auto& value)
{
    members.needed("token", value.token);
    members.needed("logprob", value.logprob);
    members("bytes", value.bytes);
    members("top_logprobs", value.top_logprobs);
}

template <class Members>
void visit_members(const Members& members, like<logprobs> auto& value)
{
    members("content", value.content);
    members("refusal", value.refusal);
}

template <class Members>
void visit_members(const Members& members, like<chat_choice> auto& value)
{
    members.choice_index("index", value.index);
    members.needed("message", value.message);
    visit_ending(members, value);
}

template <class Members>
void visit_members(const Members& members, like<chunk_choice> auto& value)
{
    members.choice_index("index", value.index);
    // a whole answer sent as the only event has the message where a chunk has its delta
    members.needed(members.either("delta", "message"), value.delta);
    visit_ending(members, value);
}

template <class Members>
void visit_members(const Members& members, like<chat_response> auto& value)
{
    visit_answer(members, value);
    members("service_tier", value.service_tier);
}

template <class Members>
void visit_members(const Members& members, like<chat_chunk> auto& value)
{
    visit_answer(members, value);
    members("service_tier", value.service_tier);
}

}  // namespace regolo::core
