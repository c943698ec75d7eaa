#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <string>

namespace regolo::core {

/// How the same unknown member of two chunks becomes one.
enum class merge
{
    replace,        ///< the later one counts
    append_arrays,  ///< arrays are joined
    append_all,  ///< texts as well: they are pieces, unless the name of the member says otherwise
};

/// Adds a value to one of the same member. Objects are merged member by member, and null never erases what came before it.
void merge_value(boost::json::value& into, const boost::json::value& next, merge how);

/// Adds the members of `next`, as `merge_value` does each.
void merge_members(boost::json::object& into, const boost::json::object& next, merge how);

/// Servers repeat ids and names on every delta, or send empty ones after the first.
inline void keep_first(std::string& text, const std::string& next)
{
    if (text.empty())
        text = next;
}

/// The last one that says something counts.
inline void keep_last(std::string& text, const std::string& next)
{
    if (!next.empty())
        text = next;
}

}  // namespace regolo::core
