#pragma once

#include "core/json_reader.hpp"
#include "core/json_writer.hpp"

#include <regolo/tool.hpp>

namespace regolo::core {

bool read_json(const boost::json::value& json, const json_place& place, tool& out);
bool read_json(const boost::json::value& json, const json_place& place, tool_choice& out);
bool read_json(const boost::json::value& json, const json_place& place, response_format& out);

boost::json::value write_json(const tool& value, const write_context& context);
/// Null where it says nothing.
boost::json::value write_json(const tool_choice& value, const write_context& context);
boost::json::value write_json(const response_format& value, const write_context& context);

}  // namespace regolo::core
