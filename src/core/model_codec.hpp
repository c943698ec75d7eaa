#pragma once

#include "core/json_reader.hpp"
#include "core/json_writer.hpp"

#include <regolo/model.hpp>

namespace regolo::core {

bool read_json(const boost::json::value& json, const json_place& place, model& out);
bool read_json(const boost::json::value& json, const json_place& place, model_list& out);

boost::json::value write_json(const model& value, const write_context& context);
boost::json::value write_json(const model_list& value, const write_context& context);

}  // namespace regolo::core
