#include "core/json_merge.hpp"

namespace regolo::core {

namespace json = boost::json;

void merge_value(json::value& into, const json::value& next, merge how)
{
    if (next.is_null())
        return;
    if (into.is_object() && next.is_object())
    {
        merge_members(into.get_object(), next.get_object(), how);
    }
    else if (how != merge::replace && into.is_array() && next.is_array())
    {
        auto& array = into.get_array();
        for (const auto& element : next.get_array())
            array.push_back(element);
    }
    else if (how == merge::append_all && into.is_string() && next.is_string())
    {
        // equal texts are a name repeated, others are pieces
        if (into.get_string() != next.get_string())
            into.get_string().append(next.get_string());
    }
    else
    {
        into = next;
    }
}

void merge_members(json::object& into, const json::object& next, merge how)
{
    for (const auto& member : next)
    {
        if (auto* known = into.if_contains(member.key()))
            merge_value(*known, member.value(), how);
        else
            into.emplace(member.key(), json::value(member.value(), into.storage()));
    }
}

}  // namespace regolo::core
