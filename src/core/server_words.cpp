#include "core/server_words.hpp"

#include "core/json_text.hpp"
#include "core/text.hpp"
#include "core/utf8.hpp"

#include <regolo/sse_parser.hpp>

#include <boost/json/serialize.hpp>

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>

namespace regolo::core {

namespace {

namespace json = boost::json;

/// Deeper than any gateway wraps its errors.
constexpr int max_nesting = 8;
/// Of one member: an event of a stream may be a thousand times larger, and its error is copied often.
constexpr std::size_t most_words = std::size_t{64} * 1024;
/// Of a plain text body: more than `describe` shows, less than a page.
constexpr std::size_t kept_text = 2000;

void read_value(const json::value& value, error_info& into, int nesting);

void set(std::string& member, std::string_view text)
{
    if (text.size() > most_words)
    {
        text = text.substr(0, most_words);
        text = text.substr(0, valid_utf8_prefix(text));  // not in the middle of a character
    }
    // gateways written in Python send "None" for what is absent
    if (member.empty() && text != "None")
    {
        member = text;
    }
}

std::string_view string_member(const json::object& from, std::string_view name) noexcept
{
    const json::value* found = from.if_contains(name);
    return found != nullptr && found->is_string() ? std::string_view(found->get_string())
                                                  : std::string_view();
}

/// The message in the text that Python prints for {'error': '...'}.
std::optional<std::string> unwrap_python(std::string_view text)
{
    constexpr std::string_view opening = "'error': ";
    const std::size_t at = text.find(opening);
    if (!text.starts_with("{'") || at == std::string_view::npos)
    {
        return std::nullopt;
    }
    text.remove_prefix(at + opening.size());
    if (!text.starts_with('\'') && !text.starts_with('"'))
    {
        return std::nullopt;
    }
    const char quote = text[0];
    std::string out;
    for (std::size_t i = 1; i < text.size() && text[i] != quote; ++i)
    {
        if (text[i] == '\\' && i + 1 < text.size())
        {
            ++i;
            out += text[i] == 'n' ? '\n' : text[i] == 't' ? '\t' : text[i];
            continue;
        }
        out += text[i];
    }
    return out;
}

void set_message(std::string_view text, error_info& into)
{
    if (const auto inner = unwrap_python(text))
    {
        set(into.server_message, *inner);
    }
    else
    {
        set(into.server_message, text);
    }
}

/// A number as people write it: 503, also where the gateway sent 503.0.
std::string scalar_text(const json::value& value)
{
    if (value.is_string())
    {
        return std::string(value.get_string());
    }
    const double* number = value.if_double();
    constexpr double exact = 1e15;
    if (number != nullptr && std::trunc(*number) == *number && std::abs(*number) < exact)
    {
        return std::to_string(static_cast<std::int64_t>(*number));
    }
    return json::serialize(value);
}

void set_scalar(const json::object& from, std::string_view name, std::string& member)
{
    const json::value* found = from.if_contains(name);
    if (found == nullptr || found->is_null() || found->is_structured())
    {
        return;
    }
    set(member, scalar_text(*found));
}

/// One entry of FastAPI's list: "body.model: field required".
std::string validation_text(const json::object& entry)
{
    std::string out;
    if (const json::value* place = entry.if_contains("loc"); place != nullptr && place->is_array())
    {
        for (const json::value& step : place->get_array())
        {
            out += out.empty() ? "" : ".";
            out += step.is_string() ? std::string(step.get_string()) : json::serialize(step);
        }
    }
    const std::string_view message = string_member(entry, "msg");
    out += out.empty() || message.empty() ? "" : ": ";
    return out.append(message);
}

void read_list(const json::array& list, error_info& into, int nesting)
{
    std::string joined;
    for (const json::value& entry : list)
    {
        std::string text;
        if (entry.is_string())
        {
            text = entry.get_string();
        }
        else if (entry.is_object())
        {
            text = validation_text(entry.get_object());
            if (text.empty())
            {
                read_value(entry, into, nesting);
            }
        }
        joined += joined.empty() || text.empty() ? "" : "; ";
        joined += text;
    }
    set(into.server_message, joined);
}

void read_object(const json::object& object, error_info& into, int nesting)
{
    // the innermost words are the most precise; outer ones fill what those leave open
    for (const std::string_view name : {"error", "detail", "message", "errors", "fault"})
    {
        const json::value* inner = object.if_contains(name);
        if (inner != nullptr && inner->is_structured())
        {
            read_value(*inner, into, nesting);
        }
    }
    for (const std::string_view name :
         {"message", "detail", "error_description", "msg", "html-message", "title", "faultstring"})
    {
        set_message(string_member(object, name), into);
    }
    const bool has_message = !into.server_message.empty();
    for (const std::string_view name : {"code", "status", "status_code"})
    {
        set_scalar(object, name, into.server_code);
    }
    // {"error": 503}
    if (const json::value* error = object.if_contains("error");
        error != nullptr && error->is_number())
    {
        set_scalar(object, "error", into.server_code);
    }
    set_scalar(object, "type", into.server_type);
    set_scalar(object, "param", into.server_param);
    // {"error": "Not Found", "message": "Cannot GET /v1/x"}: a name where there is a message
    if (has_message)
    {
        set(into.server_type, string_member(object, "error"));
    }
    else
    {
        set_message(string_member(object, "error"), into);
    }
}

void read_value(const json::value& value, error_info& into, int nesting)
{
    if (nesting > max_nesting || value.is_null())
    {
        return;
    }
    if (value.is_object())
    {
        read_object(value.get_object(), into, nesting + 1);
    }
    else if (value.is_array())
    {
        read_list(value.get_array(), into, nesting + 1);
    }
    else if (value.is_string())
    {
        set_message(value.get_string(), into);
    }
    else
    {
        set(into.server_message, json::serialize(value));
    }
}

/// The title of a page, or its first heading.
std::string_view html_title(std::string_view page) noexcept
{
    for (const std::string_view name : {"title>", "TITLE>", "h1>", "H1>"})
    {
        const std::size_t at = page.find(name);
        if (at != std::string_view::npos)
        {
            const std::string_view rest = page.substr(at + name.size());
            return trim(rest.substr(0, rest.find('<')));
        }
    }
    return {};
}

/// An error status with an event stream as its body: the first event tells.
std::string first_event(std::string_view body)
{
    sse_parser parser(body.size());
    parser.push(body);
    auto event = parser.pull();
    if (!event)
    {
        event = parser.finish();
    }
    return event ? std::string(event->data) : std::string();
}

bool read_json_text(std::string_view text, error_info& into)
{
    if (text.empty() || std::string_view("{[\"").find(text[0]) == std::string_view::npos)
    {
        return false;
    }
    json_parser parser((limits()));
    const auto parsed = parser.parse(text, {});
    if (parsed)
    {
        read_server_json(*parsed, into);
    }
    return parsed.has_value();
}

}  // namespace

void read_server_json(const json::value& value, error_info& into) { read_value(value, into, 0); }

void read_server_body(std::string_view body, error_info& into)
{
    std::string_view text = trim(body);
    std::string data;
    if (text.starts_with("data:") || text.starts_with("event:"))
    {
        data = first_event(body);
        text = trim(data);
    }
    else if (constexpr std::string_view field = "error:"; text.starts_with(field))
    {
        text = trim(text.substr(field.size(), text.find('\n') - field.size()));
    }
    if (read_json_text(text, into))
    {
        return;
    }
    const std::string_view words = looks_like_html(text) ? html_title(text) : text;
    std::string valid;
    append_valid_utf8(valid, words.substr(0, kept_text));
    set(into.server_message, valid);
}

bool looks_like_html(std::string_view body) noexcept { return trim(body).starts_with('<'); }

}  // namespace regolo::core
