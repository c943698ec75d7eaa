#pragma once

#include <regolo/error.hpp>
#include <regolo/json.hpp>

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace regolo::inline v0 {

/// A function that the model may call.
struct tool
{
    std::string type = "function";
    std::string name;
    std::string description;
    boost::json::object parameters;  ///< JSON schema of the arguments
    std::optional<bool> strict;
    boost::json::object function_extra;  ///< further members of the inner `function` object
    boost::json::object extra;

    tool() = default;
    explicit tool(std::string_view function_name) : name(function_name) {}
    tool(std::string_view function_name, std::string_view what_it_does, boost::json::object schema)
        : name(function_name), description(what_it_does), parameters(std::move(schema))
    {}
};

/// Which tools the model may or must use. Made by the named functions.
struct REGOLO_EXPORT tool_choice
{
    std::string mode;            ///< "auto", "required" or "none" when sent as a string
    boost::json::object object;  ///< sent instead of `mode` when not empty

    tool_choice() = default;

    [[nodiscard]] static tool_choice automatic();
    [[nodiscard]] static tool_choice required();
    [[nodiscard]] static tool_choice none();
    /// Exactly this function.
    [[nodiscard]] static tool_choice function(std::string_view name);
    /// Any of these; `mode` is "auto" or "required".
    [[nodiscard]] static tool_choice allowed(std::string_view mode,
                                             const std::vector<std::string>& names);
};

template <>
REGOLO_EXPORT result<tool> from_json<tool>(const boost::json::value& json);
template <>
REGOLO_EXPORT result<tool_choice> from_json<tool_choice>(const boost::json::value& json);

[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const tool& value);
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const tool_choice& value);

}  // namespace regolo::inline v0
