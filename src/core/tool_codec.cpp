#include "core/tool_codec.hpp"

namespace regolo {

namespace core {

namespace json = boost::json;

bool read_json(json_view json, const json_place& place, tool_choice& out)
{
    out = {};
    if (json.is_string())
    {
        out.mode.assign(json.text());
        return true;
    }
    if (json.is_null())
        return true;  // what an empty one is written as
    if (!json.is_object())
        return place.fail("is neither a string nor an object");
    return read_json(json, place, out.object);
}

json::value write_json(const tool_choice& value, const write_context& context)
{
    if (!value.object.empty())
        return write_json(value.object, context);
    return value.mode.empty() ? json::value(context.storage) : write_json(value.mode, context);
}

}  // namespace core

inline namespace v0 {

REGOLO_DEFINE_JSON(tool)
REGOLO_DEFINE_JSON(tool_choice)

}  // namespace v0
}  // namespace regolo
