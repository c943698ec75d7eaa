#pragma once

#include "core/answer_members.hpp"
#include "core/chat_codec.hpp"
#include "core/request_body.hpp"

#include <regolo/completion.hpp>

namespace regolo::core {

template <class Members>
void visit_members(const Members& members, like<completion_request> auto& value)
{
    members("model", value.model);
    members.text_or_tokens("prompt", value.prompt);
    visit_generation(members, value);
    members("suffix", value.suffix);
    members("best_of", value.best_of);
    members("echo", value.echo);
}

template <class Members>
void visit_members(const Members& members, like<completion_choice> auto& value)
{
    members.choice_index("index", value.index);
    members.needed("text", value.text);
    visit_ending(members, value);
}

template <class Members>
void visit_members(const Members& members, like<completion_response> auto& value)
{
    visit_answer(members, value);
}

template <class Members>
void visit_members(const Members& members, like<completion_chunk> auto& value)
{
    visit_answer(members, value);
}

}  // namespace regolo::core
