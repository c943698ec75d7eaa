#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace regolo::inline v0::testing {

// Reading members that may be absent, null or of another type.

/// Null if absent or null.
[[nodiscard]] const boost::json::value* member(const boost::json::object& object,
                                               std::string_view name);
[[nodiscard]] std::string_view text_member(const boost::json::object& object,
                                           std::string_view name);
[[nodiscard]] bool flag(const boost::json::object& object, std::string_view name, bool otherwise);
[[nodiscard]] std::size_t number(const boost::json::object& object, std::string_view name,
                                 std::size_t otherwise);

/// What an answer depends on.
struct conversation
{
    std::string last_text;           // of the last user or tool message
    std::string last_role = "user";  // and whose it is
    std::size_t messages = 0;
    std::size_t words = 0;
};

[[nodiscard]] conversation read_conversation(const boost::json::object& request, bool is_chat);

[[nodiscard]] std::string lower(std::string_view text);

/// The N of "count to N".
[[nodiscard]] std::optional<std::size_t> wants_counting(std::string_view text);

/// A value that fits the JSON schema; strings in it are the last word of `text`.
[[nodiscard]] boost::json::value sample(const boost::json::value& schema, std::string_view text,
                                        int depth = 0);

}  // namespace regolo::inline v0::testing
