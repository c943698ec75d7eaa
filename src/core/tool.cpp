#include <regolo/tool.hpp>

#include <boost/json/array.hpp>

#include <utility>

namespace regolo::inline v0 {

namespace json = boost::json;

namespace {

tool_choice with_mode(std::string_view mode)
{
    tool_choice choice;
    choice.mode = mode;
    return choice;
}

}  // namespace

tool_choice tool_choice::automatic() { return with_mode("auto"); }

tool_choice tool_choice::required() { return with_mode("required"); }

tool_choice tool_choice::none() { return with_mode("none"); }

tool_choice tool_choice::function(std::string_view name)
{
    tool_choice choice;
    choice.object["type"] = "function";
    choice.object["function"].emplace_object()["name"] = name;
    return choice;
}

tool_choice tool_choice::allowed(std::string_view mode, const std::vector<std::string>& names)
{
    tool_choice choice;
    choice.object["type"] = "allowed_tools";
    choice.object["mode"] = mode;
    auto& tools = choice.object["tools"].emplace_array();
    for (const auto& name : names)
    {
        json::object tool;
        tool["type"] = "function";
        tool["name"] = name;
        tools.push_back(std::move(tool));
    }
    return choice;
}

}  // namespace regolo::inline v0
