#pragma once

#include "core/members.hpp"

#include <regolo/response_format.hpp>

namespace regolo::core {

template <class Members>
void visit_members(const Members& members, like<response_format> auto& value)
{
    members("type", value.type);
    members("json_schema", value.json_schema);
}

}  // namespace regolo::core
