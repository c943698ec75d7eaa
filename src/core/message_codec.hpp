#pragma once

#include "core/members.hpp"

#include <regolo/chat.hpp>
#include <regolo/message.hpp>

#include <optional>
#include <string>
#include <vector>

namespace regolo::core {

bool read_json(json_view json, const json_place& place, chat_message& out);
bool read_json(json_view json, const json_place& place, chat_delta& out);
bool read_json(json_view json, const json_place& place, tool_call& out);

/// With the members that `echo` lets out.
boost::json::value write_message(const chat_message& value, echo_options echo,
                                 const write_context& context);
boost::json::value write_json(const chat_message& value, const write_context& context);
boost::json::value write_json(const chat_delta& value, const write_context& context);

/// Whether there is a function to be written: tools of other types have none.
bool calls_function(const tool_call& call) noexcept;

/// The messages of a request, of which not everything goes back to the server.
template <class Messages, class Echo>
struct echoed
{
    Messages& messages;
    Echo& echo;

    void clear() const { messages.clear(); }
};
template <class Messages, class Echo>
echoed(Messages&, Echo&) -> echoed<Messages, Echo>;

template <class Messages, class Echo>
bool read_json(json_view json, const json_place& place, echoed<Messages, Echo>& out)
{
    return read_json(json, place, out.messages);
}

/// Null without messages.
template <class Messages, class Echo>
boost::json::value write_json(const echoed<Messages, Echo>& value, const write_context& context)
{
    boost::json::array array(context.storage);
    array.reserve(value.messages.size());
    for (const auto& message : value.messages)
        array.push_back(write_message(message, value.echo, context));
    return array;
}

/// Text that some servers send as the JSON it stands for.
template <class Text>
struct json_text
{
    Text& text;

    void clear() const { text.clear(); }
    [[nodiscard]] bool empty() const noexcept { return text.empty(); }
};
template <class Text>
json_text(Text&) -> json_text<Text>;

template <class Text>
bool read_json(json_view json, const json_place& place, json_text<Text>& out)
{
    if (json.is_string())
        return read_json(json, place, out.text);
    out.text = serialize_text(json.to_value());
    return true;
}

template <class Text>
boost::json::value write_json(const json_text<Text>& value, const write_context& context)
{
    return write_json(value.text, context);
}

template <class Members>
void visit_members(const Members& members, like<function_call> auto& value)
{
    members("name", value.name);
    json_text arguments{value.arguments};
    members("arguments", arguments);
}

template <class Members>
void visit_members(const Members& members, like<tool_call> auto& value)
{
    members("id", value.id);
    members("type", value.type);
    if (Members::writes && !calls_function(value))
        return;
    members.inner("function", value.function_extra, [&value](const auto& function) {
        function.shown("name", value.name);
        json_text arguments{value.arguments};
        function.shown("arguments", arguments);
    });
}

template <class Members>
void visit_members(const Members& members, like<tool_call_delta> auto& value)
{
    members.call_index("index", value.index);
    members("id", value.id);
    members("type", value.type);
    members.inner("function", value.function_extra, [&value](const auto& function) {
        function("name", value.name);
        json_text arguments{value.arguments};
        function("arguments", arguments);
    });
}

}  // namespace regolo::core
