#include "core/rerank_codec.hpp"

namespace regolo {

namespace core {

namespace json = boost::json;

bool read_json(json_view json, const json_place& place, rerank_request::document& out)
{
    if (json.is_string())
        return read_json(json, place, out.emplace<std::string>());
    if (json.is_object())
        return read_json(json, place, out.emplace<json::object>());
    return place.fail("is neither a text nor an object");
}

json::value write_json(const rerank_request::document& value, const write_context& context)
{
    return std::visit([&](const auto& shape) { return write_json(shape, context); }, value);
}

}  // namespace core

inline namespace v0 {

REGOLO_DEFINE_JSON(rerank_request)
REGOLO_DEFINE_JSON(rerank_result)
REGOLO_DEFINE_JSON(rerank_response)

}  // namespace v0
}  // namespace regolo
