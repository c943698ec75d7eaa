#include "testing/simulated_request.hpp"

#include "testing/simulated_answer.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <charconv>

namespace json = boost::json;

namespace regolo::inline v0::testing {

const json::value* member(const json::object& object, std::string_view name)
{
    const auto* value = object.if_contains(name);
    return value != nullptr && !value->is_null() ? value : nullptr;
}

std::string_view text_member(const json::object& object, std::string_view name)
{
    const auto* value = member(object, name);
    return value != nullptr && value->is_string() ? std::string_view(value->get_string())
                                                  : std::string_view();
}

bool flag(const json::object& object, std::string_view name, bool otherwise)
{
    const auto* value = member(object, name);
    return value != nullptr && value->is_bool() ? value->get_bool() : otherwise;
}

std::size_t number(const json::object& object, std::string_view name, std::size_t otherwise)
{
    const auto* value = member(object, name);
    if (value == nullptr || !value->is_int64() || value->get_int64() < 0)
        return otherwise;
    return static_cast<std::size_t>(value->get_int64());
}

/// The text of a content: a string, or parts of which those without text show their type.
std::string text_of(const json::value* content)
{
    if (content == nullptr || !(content->is_string() || content->is_array()))
        return {};
    if (content->is_string())
        return std::string(content->get_string());
    std::string text;
    for (const auto& part : content->get_array())
    {
        if (part.is_string())
            text.append(part.get_string());
        else if (part.is_object() && member(part.get_object(), "text") != nullptr)
            text.append(text_member(part.get_object(), "text"));
        else if (part.is_object())
            text.append("[").append(text_member(part.get_object(), "type")).append("]");
    }
    return text;
}

conversation read_conversation(const json::object& request, bool is_chat)
{
    conversation read;
    if (!is_chat)
    {
        read.last_text = text_of(member(request, "prompt"));
        read.messages = 1;
        read.words = token_text(read.last_text).size();
        return read;
    }
    for (const auto& message : request.at("messages").as_array())
    {
        const auto& object = message.as_object();
        const auto text = text_of(member(object, "content"));
        read.words += token_text(text).size();
        ++read.messages;
        const auto role = text_member(object, "role");
        if (role == "user" || role == "tool")
        {
            read.last_text = text;
            read.last_role = role;
        }
    }
    return read;
}

std::string lower(std::string_view text)
{
    std::string result(text);
    for (auto& c : result)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return result;
}

std::optional<std::size_t> wants_counting(std::string_view text)
{
    static constexpr std::string_view order = "count to ";
    const auto lowered = lower(text);
    const auto found = lowered.find(order);
    if (found == std::string::npos)
        return std::nullopt;
    std::size_t last = 0;
    const auto* begin = lowered.data() + found + order.size();
    if (std::from_chars(begin, lowered.data() + lowered.size(), last).ec != std::errc())
        return std::nullopt;
    return std::min<std::size_t>(last, 1'000'000'000);
}

std::string last_word(std::string_view text)
{
    static constexpr std::string_view marks = " \t\r\n.,;:!?\"'()";
    const auto end = text.find_last_not_of(marks);
    if (end == std::string_view::npos)
        return "text";
    const auto before = text.find_last_of(marks, end);
    const auto begin = before == std::string_view::npos ? 0 : before + 1;
    return std::string(text.substr(begin, end - begin + 1));
}

json::value sample(const json::value& schema, std::string_view text, int depth)
{
    if (!schema.is_object() || depth > 16)
        return nullptr;
    const auto& object = schema.get_object();
    if (const auto* choices = member(object, "enum");
        choices != nullptr && choices->is_array() && !choices->get_array().empty())
        return choices->get_array().front();
    const auto type = text_member(object, "type");
    if (type == "string")
        return json::string(last_word(text));
    if (type == "integer")
        return 1;
    if (type == "number")
        return 1.5;
    if (type == "boolean")
        return true;
    if (type == "array")
    {
        const auto* items = member(object, "items");
        return json::array{sample(items != nullptr ? *items : json::value(), text, depth + 1)};
    }
    const auto* properties = member(object, "properties");
    json::object result;
    if (properties != nullptr && properties->is_object())
    {
        for (const auto& [name, property] : properties->get_object())
            result[name] = sample(property, text, depth + 1);
    }
    return result;
}

}  // namespace regolo::inline v0::testing
