#pragma once

#include <string_view>

namespace regolo::fuzz {

/** Whether the body of a streamed answer can be a whole one, by a slow reading of its own: there is the end mark, or as
    many finish reasons as there are choices, or one JSON text that is complete. A body that is none of that must
    never be called a success. */
bool may_be_whole(std::string_view body);

/// Whether a text of JSON is complete: every bracket and string that opens is closed.
bool is_balanced(std::string_view text);

}  // namespace regolo::fuzz
