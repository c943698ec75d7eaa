#pragma once

#include "core/json_reader.hpp"
#include "core/json_writer.hpp"

#include <regolo/message.hpp>

#include <boost/json/array.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace regolo::core {

/// The two texts that the parts of a content add up to.
struct content_texts
{
    std::optional<std::string>& content;
    std::optional<std::string>& reasoning;
};

/// Whether a part of that type is reasoning and no answer.
bool is_reasoning(std::string_view part_type) noexcept;

/// Joins parts to texts; reasoning only where there is none yet. False where a part is neither text nor reasoning.
bool join_parts(json_view parts, const json_place& place, content_texts out);

/// Reads the member "content" if it is a string. None unless it is an array.
json_view read_content(object_reader& in, std::optional<std::string>& out);

/// The text, begun if there was none.
inline std::string& started(std::optional<std::string>& text)
{
    return text ? *text : text.emplace();
}

bool read_json(json_view json, const json_place& place, content_part& out);
boost::json::value write_json(const content_part& value, const write_context& context);

}  // namespace regolo::core
