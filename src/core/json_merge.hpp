#pragma once

#include "core/undo_log.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <string>
#include <string_view>

/** @file
    How the pieces of an answer are put together. Each function adds to the log how to undo it; what it is given must
    stay where it is until the log is closed. */

namespace regolo::core {

/// How the same unknown member of two chunks becomes one.
enum class merge
{
    replace,        ///< the later one counts
    append_arrays,  ///< arrays are joined
    append_all,  ///< texts as well: they are pieces, unless the name of the member says otherwise
};

/// Adds a value to one of the same member. Objects are merged member by member, and null never erases what came before it.
void merge_value(undo_log& done, boost::json::value& into, const boost::json::value& next,
                 merge how);

/// Adds the members of `next`, as `merge_value` does each.
void merge_members(undo_log& done, boost::json::object& into, const boost::json::object& next,
                   merge how);

/// Sets one member, whatever it was before.
void set_member(undo_log& done, boost::json::object& into, std::string_view name,
                boost::json::value&& value);

/// Adds a piece of text.
void append(undo_log& done, std::string& text, std::string_view piece);

/// Servers repeat ids and names on every delta, or send empty ones after the first.
void keep_first(undo_log& done, std::string& text, const std::string& next);

/// The last one that says something counts.
inline void keep_last(undo_log& done, std::string& text, const std::string& next)
{
    if (!next.empty() && next != text)
        replace(done, text, next);
}

}  // namespace regolo::core
