#include "literal_answer.hpp"

#include "literal_sse.hpp"

#include <boost/json/parse.hpp>

#include <map>
#include <string>

namespace regolo::fuzz {

namespace json = boost::json;

namespace {

constexpr std::string_view end_mark = "[DONE]";

std::string_view trimmed(std::string_view text)
{
    while (!text.empty() && std::string_view(" \t\r\n\f\v").find(text.front()) != text.npos)
        text.remove_prefix(1);
    while (!text.empty() && std::string_view(" \t\r\n\f\v").find(text.back()) != text.npos)
        text.remove_suffix(1);
    return text;
}

/// The choices of an event and whether each has had its finish reason; a choice without a number is the one at its place.
void note(const json::value& event, std::map<std::int64_t, bool>& finished)
{
    const auto* object = event.if_object();
    const auto* choices = object == nullptr ? nullptr : object->if_contains("choices");
    if (choices == nullptr || !choices->is_array())
        return;
    std::int64_t place = 0;
    for (const auto& choice : choices->get_array())
    {
        auto index = place++;
        if (!choice.is_object())
            continue;
        const auto* number = choice.get_object().if_contains("index");
        if (number != nullptr && number->is_int64())
            index = number->get_int64();
        const auto* reason = choice.get_object().if_contains("finish_reason");
        const bool has_reason =
            reason != nullptr && reason->is_string() && !reason->get_string().empty();
        finished[index] = finished[index] || has_reason;
    }
}

}  // namespace

bool is_balanced(std::string_view text)
{
    int depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i)
    {
        const char c = text[i];
        if (quoted && c == '\\')
            ++i;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '['))
            ++depth;
        else if (!quoted && (c == '}' || c == ']'))
            --depth;
    }
    return depth == 0 && !quoted;
}

bool may_be_whole(std::string_view body)
{
    // JSON, or text among the events: not for this reading to take apart
    const auto stream = read_literally(body, std::size_t{1} << 30, true);
    if (!stream.unknown.empty() || !stream.unknown_end.empty())
        return body.find(end_mark) != body.npos || body.find("finish_reason") != body.npos ||
               (trimmed(body).starts_with('{') && body.find("choices") != body.npos) ||
               trimmed(body).starts_with("\xEF\xBB\xBF");
    auto events = stream.events;
    if (stream.unfinished)
        events.push_back(*stream.unfinished);
    std::map<std::int64_t, bool> finished;
    for (const auto& event : events)
    {
        if (trimmed(event.data).starts_with(end_mark))
            return true;
        json::error_code ec;
        const auto value = json::parse(event.data, ec);
        if (ec && event.data.find("finish_reason") != std::string::npos)
            return true;  // text that is repaired
        note(value, finished);
    }
    bool all = !finished.empty();
    for (const auto& [index, is_finished] : finished)
        all = all && is_finished;
    return all;
}

}  // namespace regolo::fuzz
