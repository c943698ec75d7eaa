#include <regolo/response_format.hpp>

#include <utility>

namespace regolo::inline v0 {

namespace json = boost::json;

namespace {

response_format with_type(std::string_view type)
{
    response_format format;
    format.type = type;
    return format;
}

}  // namespace

response_format response_format::text() { return with_type("text"); }

response_format response_format::json_object() { return with_type("json_object"); }

response_format response_format::schema(std::string_view name, json::object schema, bool strict)
{
    auto format = with_type("json_schema");
    format.json_schema["name"] = name;
    format.json_schema["schema"] = std::move(schema);
    format.json_schema["strict"] = strict;
    return format;
}

}  // namespace regolo::inline v0
