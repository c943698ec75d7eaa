#pragma once

#include "core/members.hpp"

#include <regolo/speech.hpp>

namespace regolo::core {

template <class Members>
void visit_members(const Members& members, like<speech_request> auto& value)
{
    members("model", value.model);
    members("input", value.input);
    members("voice", value.voice);
    members("response_format", value.response_format);
    members("speed", value.speed);
    members("instructions", value.instructions);
}

}  // namespace regolo::core
