#pragma once

#include "core/members.hpp"
#include "core/usage_codec.hpp"

namespace regolo::core {

/// The members that whole answers and chunks of all kinds have in common.
template <class Members, class Answer>
void visit_answer(const Members& members, Answer& value)
{
    members("id", value.id);
    members("object", value.object);
    members.seconds("created", value.created);
    members("model", value.model);
    members.needed("choices", value.choices);
    members("usage", value.usage);
    members("system_fingerprint", value.system_fingerprint);
}

/// How a choice ended, of all kinds.
template <class Members, class Choice>
void visit_ending(const Members& members, Choice& value)
{
    members("finish_reason", value.finish_reason);
    members("logprobs", value.logprobs);
    members("stop_reason", value.stop_reason);
}

}  // namespace regolo::core
