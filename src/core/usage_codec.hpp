#pragma once

#include "core/json_reader.hpp"
#include "core/json_writer.hpp"

#include <regolo/usage.hpp>

namespace regolo::core {

bool read_json(const boost::json::value& json, const json_place& place, usage& out);
bool read_json(const boost::json::value& json, const json_place& place, prompt_tokens_details& out);
bool read_json(const boost::json::value& json, const json_place& place,
               completion_tokens_details& out);

boost::json::value write_json(const prompt_tokens_details& value, const write_context& context);
boost::json::value write_json(const completion_tokens_details& value, const write_context& context);
boost::json::value write_json(const usage& value, const write_context& context);

}  // namespace regolo::core
