#pragma once

#include "core/members.hpp"

#include <regolo/model.hpp>

namespace regolo::core {

template <class Members>
void visit_members(const Members& members, like<model> auto& value)
{
    members("id", value.id);
    members("object", value.object);
    members.seconds("created", value.created);
    members("owned_by", value.owned_by);
}

template <class Members>
void visit_members(const Members& members, like<model_list> auto& value)
{
    members.needed("data", value.data);
}

}  // namespace regolo::core
