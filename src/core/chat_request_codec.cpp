#include "core/chat_codec.hpp"
#include "core/message_codec.hpp"
#include "core/request_body.hpp"
#include "core/tool_codec.hpp"

namespace regolo {

namespace core {

namespace json = boost::json;

bool read_json(const json::value& json, const json_place& place, chat_request& out)
{
    object_reader in(json, place);
    in.read_lenient("model", out.model);
    in.read("messages", out.messages);
    // what is there went out, or it would not be there
    for (const auto& message : out.messages)
    {
        out.echo.reasoning = out.echo.reasoning || message.reasoning.has_value();
        out.echo.refusal = out.echo.refusal || message.refusal.has_value();
        out.echo.annotations = out.echo.annotations || !message.annotations.empty();
    }
    in.read_lenient("temperature", out.temperature);
    in.read_lenient("top_p", out.top_p);
    in.read_lenient("top_k", out.top_k);
    in.read_lenient("min_p", out.min_p);
    in.read_lenient("frequency_penalty", out.frequency_penalty);
    in.read_lenient("presence_penalty", out.presence_penalty);
    in.read_lenient("repetition_penalty", out.repetition_penalty);
    in.read_lenient("logit_bias", out.logit_bias);
    in.read_lenient("max_tokens", out.max_tokens);
    in.read_lenient("max_completion_tokens", out.max_completion_tokens);
    in.read_lenient("n", out.n);
    in.read_lenient("seed", out.seed);
    read_stop(in, out.stop);
    in.read_lenient("stop_token_ids", out.stop_token_ids);
    in.read_lenient("logprobs", out.logprobs);
    in.read_lenient("top_logprobs", out.top_logprobs);
    in.read_lenient("tools", out.tools);
    in.read_lenient("tool_choice", out.tool_choice);
    in.read_lenient("parallel_tool_calls", out.parallel_tool_calls);
    in.read_lenient("response_format", out.response_format);
    in.read_lenient("thinking", out.thinking);
    in.read_lenient("reasoning_effort", out.reasoning_effort);
    in.read_lenient("chat_template_kwargs", out.chat_template_kwargs);
    in.read_lenient("skip_special_tokens", out.skip_special_tokens);
    in.read_lenient("disable_fallbacks", out.disable_fallbacks);
    in.read_lenient("user", out.end_user);
    in.read_lenient("metadata", out.metadata);
    in.read_lenient("service_tier", out.service_tier);
    read_include_usage(in, out.include_usage);
    in.rest(out.extra);
    return !place.context().failed();
}

json::value write_json(const chat_request& value, const write_context& context)
{
    json::array messages(context.storage);
    for (const auto& message : value.messages)
        messages.push_back(write_message(message, value.echo, context));

    object_writer out(context);
    out.put("model", value.model);
    out.put("messages", messages);
    out.put("temperature", value.temperature);
    out.put("top_p", value.top_p);
    out.put("top_k", value.top_k);
    out.put("min_p", value.min_p);
    out.put("frequency_penalty", value.frequency_penalty);
    out.put("presence_penalty", value.presence_penalty);
    out.put("repetition_penalty", value.repetition_penalty);
    out.put("logit_bias", value.logit_bias);
    out.put("max_tokens", value.max_tokens);
    out.put("max_completion_tokens", value.max_completion_tokens);
    out.put("n", value.n);
    out.put("seed", value.seed);
    write_stop(out, value.stop);
    out.put("stop_token_ids", value.stop_token_ids);
    out.put("logprobs", value.logprobs);
    out.put("top_logprobs", value.top_logprobs);
    out.put("tools", value.tools);
    if (value.tool_choice)
        out.put("tool_choice", write_json(*value.tool_choice, context));
    out.put("parallel_tool_calls", value.parallel_tool_calls);
    out.put("response_format", value.response_format);
    out.put("thinking", value.thinking);
    out.put("reasoning_effort", value.reasoning_effort);
    out.put("chat_template_kwargs", value.chat_template_kwargs);
    out.put("skip_special_tokens", value.skip_special_tokens);
    out.put("disable_fallbacks", value.disable_fallbacks);
    out.put("user", value.end_user);
    out.put("metadata", value.metadata);
    out.put("service_tier", value.service_tier);
    write_include_usage(out, value.include_usage, context);
    return std::move(out).with(value.extra);
}

result<std::string> encode(const chat_request& request, bool stream, std::string_view default_model)
{
    request_memory memory;
    auto body = write_json(request, memory.context()).as_object();
    if (body.if_contains("messages") == nullptr)
        return invalid_request(
            "the request has no messages: add one with user(), or set `messages`");
    return finish_body(body, request.extra, request.include_usage, stream, default_model);
}

}  // namespace core

inline namespace v0 {

template <>
result<chat_request> from_json<chat_request>(const boost::json::value& json)
{
    return core::read_document<chat_request>(json);
}

boost::json::value to_json(const chat_request& request) { return core::write_json(request, {}); }

}  // namespace v0
}  // namespace regolo
