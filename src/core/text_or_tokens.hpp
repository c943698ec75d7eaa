#pragma once

#include "core/json_reader.hpp"
#include "core/json_writer.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace regolo::core {

/// What prompts and inputs may be: a text, several texts, a list of token ids, several lists.
using text_or_tokens =
    std::variant<std::string, std::vector<std::string>, std::vector<std::int64_t>,
                 std::vector<std::vector<std::int64_t>>>;

/// One of another shape is an empty text and stays with the unknown members.
void read_text_or_tokens(object_reader& in, std::string_view name, text_or_tokens& out);
void write_text_or_tokens(object_writer& out, std::string_view name, const text_or_tokens& value);

}  // namespace regolo::core
