#include "core/model_codec.hpp"

namespace regolo {

namespace core {

namespace json = boost::json;

bool read_json(const json::value& json, const json_place& place, model& out)
{
    object_reader in(json, place);
    in.read_lenient("id", out.id);
    in.read_lenient("object", out.object);
    read_seconds(in, "created", out.created);
    in.read_lenient("owned_by", out.owned_by);
    in.rest(out.extra);
    return in.is_object();
}

json::value write_json(const model& value, const write_context& context)
{
    object_writer out(context);
    out.put("id", value.id);
    out.put("object", value.object);
    if (value.created != 0)
        out.put("created", value.created);
    out.put("owned_by", value.owned_by);
    return std::move(out).with(value.extra);
}

bool read_json(const json::value& json, const json_place& place, model_list& out)
{
    object_reader in(json, place);
    in.read("data", out.data);
    in.rest(out.extra);
    return !place.context().failed();
}

json::value write_json(const model_list& value, const write_context& context)
{
    object_writer out(context);
    out.always("data", value.data);
    return std::move(out).with(value.extra);
}

}  // namespace core

inline namespace v0 {

template <>
result<model> from_json<model>(const boost::json::value& json)
{
    return core::read_document<model>(json);
}

template <>
result<model_list> from_json<model_list>(const boost::json::value& json)
{
    return core::read_document<model_list>(json);
}

boost::json::value to_json(const model& value) { return core::write_json(value, {}); }

boost::json::value to_json(const model_list& list) { return core::write_json(list, {}); }

}  // namespace v0
}  // namespace regolo
