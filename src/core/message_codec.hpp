#pragma once

#include "core/json_reader.hpp"
#include "core/json_writer.hpp"

#include <regolo/chat.hpp>
#include <regolo/message.hpp>

#include <optional>
#include <string>
#include <vector>

namespace regolo::core {

bool read_json(const boost::json::value& json, const json_place& place, chat_message& out);
bool read_json(const boost::json::value& json, const json_place& place, chat_delta& out);
bool read_json(const boost::json::value& json, const json_place& place, tool_call& out);
bool read_json(const boost::json::value& json, const json_place& place, tool_call_delta& out);
bool read_json(const boost::json::value& json, const json_place& place, function_call& out);

/// With the members that `echo` lets out.
boost::json::value write_message(const chat_message& value, echo_options echo,
                                 const write_context& context);
boost::json::value write_json(const chat_message& value, const write_context& context);
boost::json::value write_json(const chat_delta& value, const write_context& context);
boost::json::value write_json(const tool_call& value, const write_context& context);
boost::json::value write_json(const tool_call_delta& value, const write_context& context);
boost::json::value write_json(const function_call& value, const write_context& context);

}  // namespace regolo::core
