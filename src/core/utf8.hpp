#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace regolo::core {

/// What stands for something that is no text: U+FFFD.
inline constexpr std::string_view replacement = "\xEF\xBF\xBD";

/// May stand at the very beginning of a text, and is no part of it: U+FEFF.
inline constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

/// The length of the longest prefix that is valid UTF-8.
std::size_t valid_utf8_prefix(std::string_view text) noexcept;

/// Appends `text` with U+FFFD for each part that is not UTF-8, as browsers decode it (WHATWG
/// Encoding: one for each maximal subpart).
void append_valid_utf8(std::string& out, std::string_view text);

/** For a log line: control characters (C0, DEL, C1) and the Unicode line separators are escaped,
    bytes that are not UTF-8 replaced, and what is longer than `limit` code points ends in "...". */
std::string printable(std::string_view text, std::size_t limit);

}  // namespace regolo::core
