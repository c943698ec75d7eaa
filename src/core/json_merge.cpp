#include "core/json_merge.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace regolo::core {

namespace json = boost::json;

namespace {

/// A member whose text is whole each time it is sent, while others may come in pieces.
bool is_label(std::string_view name) noexcept
{
    constexpr auto labels = std::to_array<std::string_view>(
        {"id", "type", "name", "role", "object", "model", "provider", "status", "format",
         "language", "channel", "signature", "thought_signature"});
    return std::find(labels.begin(), labels.end(), name) != labels.end();
}

}  // namespace

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
        auto* const known = into.if_contains(member.key());
        if (known != nullptr && known->is_string() && is_label(member.key()))
            merge_value(*known, member.value(), merge::replace);
        else if (known != nullptr)
            merge_value(*known, member.value(), how);
        else
            into.emplace(member.key(), json::value(member.value(), into.storage()));
    }
}

}  // namespace regolo::core
