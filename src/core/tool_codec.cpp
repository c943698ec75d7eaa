#include "core/tool_codec.hpp"

namespace regolo {

namespace core {

namespace json = boost::json;

bool read_json(const json::value& json, const json_place& place, tool& out)
{
    object_reader in(json, place);
    in.read_lenient("type", out.type);
    // another kind of tool has no such member, and its own one is kept with the rest
    const json::value none(json::object_kind);
    const auto* function = in.take("function");
    const auto inside = place.member("function");
    object_reader inner(function == nullptr ? none : *function, inside);
    inner.read("name", out.name);
    inner.read_lenient("description", out.description);
    inner.read_lenient("parameters", out.parameters);
    inner.read_lenient("strict", out.strict);
    inner.rest(out.function_extra);
    in.rest(out.extra);
    return !place.context().failed();
}

bool read_json(const json::value& json, const json_place& place, tool_choice& out)
{
    out = {};
    if (const auto* mode = json.if_string())
    {
        out.mode.assign(mode->data(), mode->size());
        return true;
    }
    if (!json.is_object())
        return place.fail("is neither a string nor an object");
    out.object = json.get_object();
    return true;
}

bool read_json(const json::value& json, const json_place& place, response_format& out)
{
    object_reader in(json, place);
    in.read_lenient("type", out.type);
    in.read_lenient("json_schema", out.json_schema);
    in.rest(out.extra);
    return in.is_object();
}

json::value write_json(const tool& value, const write_context& context)
{
    object_writer function(context);
    function.put("name", value.name);
    function.put("description", value.description);
    function.put("parameters", value.parameters);
    function.put("strict", value.strict);
    const auto inner = std::move(function).with(value.function_extra);

    object_writer out(context);
    out.put("type", value.type);
    if (!inner.get_object().empty())
        out.put("function", inner);
    return std::move(out).with(value.extra);
}

json::value write_json(const tool_choice& value, const write_context& context)
{
    if (!value.object.empty())
        return write_json(value.object, context);
    return value.mode.empty() ? json::value(context.storage) : write_json(value.mode, context);
}

json::value write_json(const response_format& value, const write_context& context)
{
    object_writer out(context);
    out.put("type", value.type);
    out.put("json_schema", value.json_schema);
    return std::move(out).with(value.extra);
}

}  // namespace core

inline namespace v0 {

template <>
result<tool> from_json<tool>(const boost::json::value& json)
{
    return core::read_document<tool>(json);
}

template <>
result<tool_choice> from_json<tool_choice>(const boost::json::value& json)
{
    return core::read_document<tool_choice>(json);
}

template <>
result<response_format> from_json<response_format>(const boost::json::value& json)
{
    return core::read_document<response_format>(json);
}

boost::json::value to_json(const tool& value) { return core::write_json(value, {}); }

boost::json::value to_json(const tool_choice& value) { return core::write_json(value, {}); }

boost::json::value to_json(const response_format& value) { return core::write_json(value, {}); }

}  // namespace v0
}  // namespace regolo
