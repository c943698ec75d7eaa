#include "core/usage_codec.hpp"

namespace regolo {

namespace core {

namespace json = boost::json;

bool read_json(const json::value& json, const json_place& place, prompt_tokens_details& out)
{
    object_reader in(json, place);
    in.read_lenient("cached_tokens", out.cached_tokens);
    in.read_lenient("audio_tokens", out.audio_tokens);
    in.rest(out.extra);
    return in.is_object();
}

bool read_json(const json::value& json, const json_place& place, completion_tokens_details& out)
{
    object_reader in(json, place);
    in.read_lenient("reasoning_tokens", out.reasoning_tokens);
    in.read_lenient("audio_tokens", out.audio_tokens);
    in.read_lenient("accepted_prediction_tokens", out.accepted_prediction_tokens);
    in.read_lenient("rejected_prediction_tokens", out.rejected_prediction_tokens);
    in.rest(out.extra);
    return in.is_object();
}

json::value write_json(const prompt_tokens_details& value, const write_context& context)
{
    object_writer out(context);
    out.put("cached_tokens", value.cached_tokens);
    out.put("audio_tokens", value.audio_tokens);
    return std::move(out).with(value.extra);
}

json::value write_json(const completion_tokens_details& value, const write_context& context)
{
    object_writer out(context);
    out.put("reasoning_tokens", value.reasoning_tokens);
    out.put("audio_tokens", value.audio_tokens);
    out.put("accepted_prediction_tokens", value.accepted_prediction_tokens);
    out.put("rejected_prediction_tokens", value.rejected_prediction_tokens);
    return std::move(out).with(value.extra);
}

bool read_json(const json::value& json, const json_place& place, usage& out)
{
    object_reader in(json, place);
    in.read_lenient("prompt_tokens", out.prompt_tokens);
    in.read_lenient("completion_tokens", out.completion_tokens);
    in.read_lenient("total_tokens", out.total_tokens);
    in.read_lenient("prompt_tokens_details", out.prompt_tokens_details);
    in.read_lenient("completion_tokens_details", out.completion_tokens_details);
    in.rest(out.extra);
    return in.is_object();
}

json::value write_json(const usage& value, const write_context& context)
{
    object_writer out(context);
    out.put("prompt_tokens", value.prompt_tokens);
    out.put("completion_tokens", value.completion_tokens);
    out.put("total_tokens", value.total_tokens);
    out.put("prompt_tokens_details", value.prompt_tokens_details);
    out.put("completion_tokens_details", value.completion_tokens_details);
    return std::move(out).with(value.extra);
}

}  // namespace core

inline namespace v0 {

template <>
result<usage> from_json<usage>(const boost::json::value& json)
{
    return core::read_document<usage>(json);
}

boost::json::value to_json(const usage& value) { return core::write_json(value, {}); }

}  // namespace v0
}  // namespace regolo
