#include "core/message_codec.hpp"

#include "core/content_codec.hpp"

namespace regolo {

namespace core {

namespace json = boost::json;

namespace {

// Gateways disagree on the name, and some send both.
void read_reasoning(object_reader& in, std::optional<std::string>& out)
{
    in.read_lenient("reasoning_content", out);
    const auto* other = in.take("reasoning");
    if (other == nullptr)
        return;
    if (!other->is_string())
        in.give_back("reasoning");
    else if (!out || out->empty())
        started(out).assign(std::string_view(other->get_string()));
}

// Some servers send the arguments as an object instead of its text.
void read_function(object_reader& in, std::string& name, std::string& arguments,
                   json::object& extra)
{
    in.read_lenient("name", name);
    const auto* json = in.take("arguments");
    if (json == nullptr)
        arguments.clear();
    else if (const auto* text = json->if_string())
        arguments.assign(text->data(), text->size());
    else
        arguments = serialize_text(*json);
    in.rest(extra);
}

// What a whole tool call and a piece of one have in common.
template <class Call>
bool read_call(object_reader& in, Call& out)
{
    in.read_lenient("id", out.id);
    in.read_lenient("type", out.type);
    const auto* function = in.take("function");
    if (function != nullptr)
    {
        const auto inside = in.place().member("function");
        object_reader inner(*function, inside);
        read_function(inner, out.name, out.arguments, out.function_extra);
    }
    else
    {
        out.name.clear();
        out.arguments.clear();
        out.function_extra.clear();
    }
    in.rest(out.extra);
    return !in.place().context().failed();
}

// What a whole message and a delta have in common, but for the content.
template <class Message>
void read_members(object_reader& in, Message& out)
{
    in.read_lenient("role", out.role);
    read_reasoning(in, out.reasoning);
    in.read_lenient("refusal", out.refusal);
    in.read("tool_calls", out.tool_calls);
    in.read_lenient("function_call", out.function_call);
    in.read_lenient("annotations", out.annotations);
}

}  // namespace

bool read_json(const json::value& json, const json_place& place, chat_message& out)
{
    object_reader in(json, place);
    read_members(in, out);
    in.read_lenient("name", out.name);
    in.read_lenient("tool_call_id", out.tool_call_id);
    out.parts.clear();
    if (const auto* parts = read_content(in, out.content))
    {
        const auto inside = place.member("content");
        join_parts(*parts, inside, {out.content, out.reasoning});
        if (!place.context().failed())
            in.read("content", out.parts);
    }
    in.rest(out.extra);
    return !place.context().failed();
}

bool read_json(const json::value& json, const json_place& place, chat_delta& out)
{
    object_reader in(json, place);
    read_members(in, out);
    if (const auto* parts = read_content(in, out.content))
    {
        const auto inside = place.member("content");
        // a delta has no place for a picture: the parts stay with the unknown members then
        if (!join_parts(*parts, inside, {out.content, out.reasoning}))
            in.give_back("content");
    }
    in.rest(out.extra);
    return !place.context().failed();
}

bool read_json(const json::value& json, const json_place& place, tool_call& out)
{
    object_reader in(json, place);
    const bool read = read_call(in, out);
    if (out.type.empty())
        out.type = "function";
    return read;
}

bool read_json(const json::value& json, const json_place& place, tool_call_delta& out)
{
    object_reader in(json, place);
    out.index.reset();
    if (const auto* index = in.take("index"); index != nullptr)
    {
        out.index = 0;
        if (!read_index(in, "index", 0, true, *out.index))
            return false;
    }
    return read_call(in, out);
}

bool read_json(const json::value& json, const json_place& place, function_call& out)
{
    object_reader in(json, place);
    read_function(in, out.name, out.arguments, out.extra);
    return in.is_object();
}

json::value write_message(const chat_message& value, echo_options echo,
                          const write_context& context)
{
    // reasoning that came in parts is held back as reasoning of its own is
    json::array parts(context.storage);
    bool reasoning_in_parts = false;
    for (const auto& part : value.parts)
    {
        const bool reasoning = value.reasoning && is_reasoning(part.type);
        reasoning_in_parts = reasoning_in_parts || reasoning;
        if (!reasoning || echo.reasoning)
            parts.push_back(write_json(part, context));
    }

    object_writer out(context);
    out.put("role", value.role);
    if (!parts.empty())
        out.always("content", parts);
    else if (value.content)
        out.always("content", *value.content);
    else if (value.role == "assistant" || !value.tool_calls.empty())
        out.null("content");  // the API wants the member even then
    out.put("name", value.name);
    out.put("tool_call_id", value.tool_call_id);
    if (echo.reasoning && !reasoning_in_parts)
        out.put("reasoning_content", value.reasoning);
    if (echo.refusal)
        out.put("refusal", value.refusal);
    out.put("tool_calls", value.tool_calls);
    out.put("function_call", value.function_call);
    if (echo.annotations)
        out.put("annotations", value.annotations);
    return std::move(out).with(value.extra);
}

json::value write_json(const chat_message& value, const write_context& context)
{
    return write_message(value, {true, true, true}, context);
}

json::value write_json(const chat_delta& value, const write_context& context)
{
    object_writer out(context);
    out.put("role", value.role);
    out.put("content", value.content);
    out.put("reasoning_content", value.reasoning);
    out.put("refusal", value.refusal);
    out.put("tool_calls", value.tool_calls);
    out.put("function_call", value.function_call);
    out.put("annotations", value.annotations);
    return std::move(out).with(value.extra);
}

json::value write_json(const tool_call& value, const write_context& context)
{
    object_writer out(context);
    out.put("id", value.id);
    out.put("type", value.type);
    if (value.type == "function" || !value.name.empty() || !value.arguments.empty() ||
        !value.function_extra.empty())
    {
        object_writer function(context);
        function.always("name", value.name);
        function.always("arguments", value.arguments);
        out.always("function", std::move(function).with(value.function_extra));
    }
    return std::move(out).with(value.extra);
}

json::value write_json(const tool_call_delta& value, const write_context& context)
{
    object_writer out(context);
    out.put("index", value.index);
    out.put("id", value.id);
    out.put("type", value.type);
    object_writer function(context);
    function.put("name", value.name);
    function.put("arguments", value.arguments);
    const auto inner = std::move(function).with(value.function_extra);
    if (!inner.get_object().empty())
        out.always("function", inner);
    return std::move(out).with(value.extra);
}

json::value write_json(const function_call& value, const write_context& context)
{
    object_writer out(context);
    out.put("name", value.name);
    out.put("arguments", value.arguments);
    return std::move(out).with(value.extra);
}

}  // namespace core

inline namespace v0 {

template <>
result<chat_message> from_json<chat_message>(const boost::json::value& json)
{
    return core::read_document<chat_message>(json);
}

boost::json::value to_json(const chat_message& message) { return core::write_json(message, {}); }

}  // namespace v0
}  // namespace regolo
