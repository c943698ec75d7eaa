#include "core/chat_codec.hpp"
#include "core/message_codec.hpp"
#include "core/request_body.hpp"
#include "core/tool_codec.hpp"

namespace regolo {

namespace core {

namespace json = boost::json;

namespace {

/// The plain members that only a chat request has, with their wire names.
template <class Request, class Visitor>
void visit_own_members(Request& request, const Visitor& visit)
{
    visit("max_completion_tokens", request.max_completion_tokens);
    visit("top_logprobs", request.top_logprobs);
    visit("tools", request.tools);
    visit("parallel_tool_calls", request.parallel_tool_calls);
    visit("response_format", request.response_format);
    visit("thinking", request.thinking);
    visit("reasoning_effort", request.reasoning_effort);
    visit("chat_template_kwargs", request.chat_template_kwargs);
    visit("metadata", request.metadata);
    visit("service_tier", request.service_tier);
}

}  // namespace

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
    const auto read = [&in](const char* name, auto& member) { in.read_lenient(name, member); };
    visit_shared_members(out, read);
    visit_own_members(out, read);
    read_stop(in, out.stop);
    in.read_lenient("tool_choice", out.tool_choice);
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
    const auto put = [&out](const char* name, const auto& member) { out.put(name, member); };
    visit_shared_members(value, put);
    visit_own_members(value, put);
    write_stop(out, value.stop);
    if (value.tool_choice)
        out.put("tool_choice", write_json(*value.tool_choice, context));
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
