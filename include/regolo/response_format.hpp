#pragma once

#include <regolo/error.hpp>
#include <regolo/json.hpp>

#include <boost/json/object.hpp>

#include <string>
#include <string_view>

namespace regolo::inline v0 {

/** The shape of the answer's text. Made by the named functions.

    JSON comes as the text of the answer, for `boost::json::parse`. It is complete only where the finish reason is not
    "length".
*/
struct REGOLO_EXPORT response_format
{
    std::string type;                 ///< "text", "json_object" or "json_schema"
    boost::json::object json_schema;  ///< `{"name","schema","strict"}` of that type
    boost::json::object extra;

    response_format() = default;

    [[nodiscard]] static response_format text();
    /// Some JSON object. Most models want the prompt to ask for JSON as well.
    [[nodiscard]] static response_format json_object();
    /// JSON after a schema. @param name  letters, digits, '_' and '-'
    [[nodiscard]] static response_format schema(std::string_view name, boost::json::object schema,
                                                bool strict = true);
};

template <>
REGOLO_EXPORT result<response_format> from_json<response_format>(const boost::json::value& json);

[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const response_format& value);

}  // namespace regolo::inline v0
