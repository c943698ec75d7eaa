#pragma once

#include "core/json_reader.hpp"
#include "core/json_writer.hpp"

#include <regolo/chat.hpp>

namespace regolo::core {

bool read_json(const boost::json::value& json, const json_place& place, chat_request& out);
bool read_json(const boost::json::value& json, const json_place& place, chat_response& out);
bool read_json(const boost::json::value& json, const json_place& place, chat_chunk& out);
bool read_json(const boost::json::value& json, const json_place& place, chat_choice& out);
bool read_json(const boost::json::value& json, const json_place& place, chunk_choice& out);
bool read_json(const boost::json::value& json, const json_place& place, logprobs& out);
bool read_json(const boost::json::value& json, const json_place& place, token_logprob& out);

boost::json::value write_json(const chat_request& value, const write_context& context);
boost::json::value write_json(const chat_response& value, const write_context& context);
boost::json::value write_json(const chat_chunk& value, const write_context& context);
boost::json::value write_json(const chat_choice& value, const write_context& context);
boost::json::value write_json(const chunk_choice& value, const write_context& context);
boost::json::value write_json(const logprobs& value, const write_context& context);
boost::json::value write_json(const token_logprob& value, const write_context& context);

}  // namespace regolo::core
