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
    const auto other = in.take("reasoning");
    if (!other)
        return;
    if (other.is_string() && (!out || out->empty()))
        started(out).assign(other.text());
    else if (!other.is_string() || other.text() != *out)
        in.give_back("reasoning");
}

// What a whole message and a delta have in common, but for the content.
template <class Message>
void read_common(object_reader& in, Message& out)
{
    in.read_lenient("role", out.role);
    read_reasoning(in, out.reasoning);
    in.read_lenient("refusal", out.refusal);
    in.read("tool_calls", out.tool_calls);
    in.read_lenient("function_call", out.function_call);
    in.read_lenient("annotations", out.annotations);
}

std::optional<std::string> text_of_reasoning(const json::array& parts)
{
    read_context context(0);
    std::optional<std::string> content;
    std::optional<std::string> reasoning;
    const json::value tree(parts);
    join_parts(json_tape(tree).root(), json_place(context), {content, reasoning});
    return reasoning;
}

}  // namespace

bool read_json(json_view json, const json_place& place, chat_message& out)
{
    object_reader in(json, place);
    read_common(in, out);
    in.read_lenient("name", out.name);
    in.read_lenient("tool_call_id", out.tool_call_id);
    out.parts.clear();
    if (const auto parts = read_content(in, out.content))
    {
        const auto inside = place.member("content");
        join_parts(parts, inside, {out.content, out.reasoning});
        if (!place.context().failed())
            in.read("content", out.parts);
    }
    in.rest(out.extra);
    return !place.context().failed();
}

bool read_json(json_view json, const json_place& place, chat_delta& out)
{
    object_reader in(json, place);
    read_common(in, out);
    if (const auto parts = read_content(in, out.content))
    {
        const auto inside = place.member("content");
        // a delta has no place for a picture: the parts stay with the unknown members then
        if (!join_parts(parts, inside, {out.content, out.reasoning}))
            in.give_back("content");
    }
    in.rest(out.extra);
    return !place.context().failed();
}

bool read_json(json_view json, const json_place& place, tool_call& out)
{
    const bool read = read_members(json, place, out);
    if (out.type.empty())
        out.type = "function";
    return read;
}

bool calls_function(const tool_call& call) noexcept
{
    return call.type == "function" || !call.name.empty() || !call.arguments.empty() ||
           !call.function_extra.empty();
}

json::value write_message(const chat_message& value, echo_options echo,
                          const write_context& context)
{
    // reasoning that came in parts is held back as reasoning of its own is
    json::array parts(context.storage);
    json::array reasoning(context.storage);
    for (const auto& part : value.parts)
    {
        const bool is_held_back = value.reasoning && is_reasoning(part.type);
        if (is_held_back)
            reasoning.push_back(write_json(part, context));
        if (!is_held_back || echo.reasoning)
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
    if (echo.reasoning && text_of_reasoning(reasoning) != value.reasoning)
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

}  // namespace core

inline namespace v0 {

REGOLO_DEFINE_JSON(chat_message)

}  // namespace v0
}  // namespace regolo
