#include "core/chat_codec.hpp"

#include "core/answer_members.hpp"
#include "core/message_codec.hpp"
#include "core/usage_codec.hpp"

namespace regolo {

namespace core {

namespace json = boost::json;

bool read_json(const json::value& json, const json_place& place, token_logprob& out)
{
    object_reader in(json, place);
    in.read("token", out.token);
    in.read("logprob", out.logprob);
    in.read_lenient("bytes", out.bytes);
    in.read_lenient("top_logprobs", out.top_logprobs);
    in.rest(out.extra);
    return !place.context().failed();
}

bool read_json(const json::value& json, const json_place& place, logprobs& out)
{
    object_reader in(json, place);
    in.read_lenient("content", out.content);
    in.read_lenient("refusal", out.refusal);
    in.rest(out.extra);
    return in.is_object();
}

bool read_json(const json::value& json, const json_place& place, chat_choice& out)
{
    object_reader in(json, place);
    read_index(in, "index", place.position(), false, out.index);
    in.read("message", out.message);
    if (out.message.role.empty())
        out.message.role = "assistant";
    in.read_lenient("finish_reason", out.finish_reason);
    in.read_lenient("logprobs", out.logprobs);
    in.read_lenient("stop_reason", out.stop_reason);
    in.rest(out.extra);
    return !place.context().failed();
}

bool read_json(const json::value& json, const json_place& place, chunk_choice& out)
{
    object_reader in(json, place);
    read_index(in, "index", place.position(), false, out.index);
    // a whole answer sent as the only event has the message where a chunk has its delta
    in.read(in.has("message") && !in.has("delta") ? "message" : "delta", out.delta);
    in.read_lenient("finish_reason", out.finish_reason);
    in.read_lenient("logprobs", out.logprobs);
    in.read_lenient("stop_reason", out.stop_reason);
    in.rest(out.extra);
    return !place.context().failed();
}

bool read_json(const json::value& json, const json_place& place, chat_response& out)
{
    object_reader in(json, place);
    read_answer(in, out);
    in.read_lenient("service_tier", out.service_tier);
    in.rest(out.extra);
    return !place.context().failed();
}

bool read_json(const json::value& json, const json_place& place, chat_chunk& out)
{
    object_reader in(json, place);
    read_answer(in, out);
    in.read_lenient("service_tier", out.service_tier);
    in.rest(out.extra);
    return !place.context().failed();
}

json::value write_json(const token_logprob& value, const write_context& context)
{
    object_writer out(context);
    out.always("token", value.token);
    out.always("logprob", value.logprob);
    out.put("bytes", value.bytes);
    out.put("top_logprobs", value.top_logprobs);
    return std::move(out).with(value.extra);
}

json::value write_json(const logprobs& value, const write_context& context)
{
    object_writer out(context);
    out.put("content", value.content);
    out.put("refusal", value.refusal);
    return std::move(out).with(value.extra);
}

json::value write_json(const chat_choice& value, const write_context& context)
{
    object_writer out(context);
    out.always("index", value.index);
    out.always("message", value.message);
    out.put("finish_reason", value.finish_reason);
    out.put("logprobs", value.logprobs);
    out.put("stop_reason", value.stop_reason);
    return std::move(out).with(value.extra);
}

json::value write_json(const chunk_choice& value, const write_context& context)
{
    object_writer out(context);
    out.always("index", value.index);
    out.always("delta", value.delta);
    out.put("finish_reason", value.finish_reason);
    out.put("logprobs", value.logprobs);
    out.put("stop_reason", value.stop_reason);
    return std::move(out).with(value.extra);
}

json::value write_json(const chat_response& value, const write_context& context)
{
    object_writer out(context);
    write_answer(out, value);
    out.put("service_tier", value.service_tier);
    return std::move(out).with(value.extra);
}

json::value write_json(const chat_chunk& value, const write_context& context)
{
    object_writer out(context);
    write_answer(out, value);
    out.put("service_tier", value.service_tier);
    return std::move(out).with(value.extra);
}

}  // namespace core

inline namespace v0 {

template <>
result<chat_response> from_json<chat_response>(const boost::json::value& json)
{
    return core::read_document<chat_response>(json);
}

template <>
result<chat_chunk> from_json<chat_chunk>(const boost::json::value& json)
{
    return core::read_document<chat_chunk>(json);
}

boost::json::value to_json(const chat_response& response) { return core::write_json(response, {}); }

boost::json::value to_json(const chat_chunk& chunk) { return core::write_json(chunk, {}); }

}  // namespace v0
}  // namespace regolo
