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
    append_all,     ///< texts as well: they are pieces
};

/// Adds the members of `next`. Objects are merged member by member, and null never erases what came before it.
void merge_members(boost::json::object& into, const boost::json::object& next, merge how);

/// Servers repeat ids and names on every delta, or send empty ones after the first.
inline void keep_first(std::string& text, const std::string& next)
{
    if (text.empty())
        text = next;
}

}  // namespace regolo::core
