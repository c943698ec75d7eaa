#pragma once

#include "core/members.hpp"

#include <regolo/tool.hpp>

namespace regolo::core {

bool read_json(json_view json, const json_place& place, tool_choice& out);
/// Null where it says nothing.
boost::json::value write_json(const tool_choice& value, const write_context& context);

template <class Members>
void visit_members(const Members& members, like<tool> auto& value)
{
    members("type", value.type);
    // another kind of tool has no such member, and its own one is kept with the rest
    members.inner("function", value.function_extra, [&value](const auto& function) {
        function("name", value.name);
        function("description", value.description);
        function("parameters", value.parameters);
        function("strict", value.strict);
    });
}

}  // namespace regolo::core
