#pragma once

#include "core/json_reader.hpp"
#include "core/json_writer.hpp"

#include <regolo/completion.hpp>

namespace regolo::core {

bool read_json(const boost::json::value& json, const json_place& place, completion_request& out);
bool read_json(const boost::json::value& json, const json_place& place, completion_response& out);
bool read_json(const boost::json::value& json, const json_place& place, completion_chunk& out);
bool read_json(const boost::json::value& json, const json_place& place, completion_choice& out);

boost::json::value write_json(const completion_request& value, const write_context& context);
boost::json::value write_json(const completion_response& value, const write_context& context);
boost::json::value write_json(const completion_chunk& value, const write_context& context);
boost::json::value write_json(const completion_choice& value, const write_context& context);

}  // namespace regolo::core
