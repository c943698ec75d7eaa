#include "core/codec.hpp"

#include "core/api_error.hpp"
#include "core/chat_codec.hpp"
#include "core/completion_codec.hpp"
#include "core/json_text.hpp"
#include "core/model_codec.hpp"
#include "core/server_words.hpp"
#include "core/text.hpp"

#include <boost/json/monotonic_resource.hpp>

#include <type_traits>

namespace regolo::core {

namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

/// A body that is no JSON for a reason worth naming; empty: none.
std::string_view why_no_json(std::string_view body) noexcept
{
    const auto first = body.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos)
        return "the server answered with success and an empty body; is base_url that of the API?";
    if (body[first] == '<')
        return "the server answered with an HTML page instead of JSON; is base_url that of the "
               "API?";
    if (std::string_view("{[\"").find(body[first]) == std::string_view::npos)
        return "the answer is not valid JSON but text; is base_url that of the API?";
    return {};
}

bool is_event_stream(std::string_view body) noexcept
{
    const auto text = trim(body);
    return text.starts_with("data:") || text.starts_with("event:") || text.starts_with("error:");
}

/// What went wrong where an event stream answers a request for a whole answer.
error_info read_event_stream(std::string_view body)
{
    auto info = failure(errc::bad_response,
                        "the server answered with an event stream though none was asked for: use "
                        "the streaming call");
    read_server_body(body, info);
    return info.server_message.empty() ? info : decode_error_text(body, error_place::body);
}

/// An answer that generates text says so, if with an empty list.
template <class T>
bool lacks_choices(const boost::json::value& document) noexcept
{
    if constexpr (std::is_same_v<T, model_list>)
        return false;
    const auto* object = document.if_object();
    const auto* choices = object != nullptr ? object->if_contains("choices") : nullptr;
    return object != nullptr && (choices == nullptr || choices->is_null());
}

}  // namespace

template <class T>
result<T> decode(std::string_view body, const limits& bounds)
{
    if (body.starts_with(byte_order_mark))
        body.remove_prefix(byte_order_mark.size());
    if (is_event_stream(body))
        return read_event_stream(body);
    if (const auto why = why_no_json(body); !why.empty())
    {
        auto info = failure(errc::bad_response, std::string(why));
        read_server_body(body, info);
        return info;
    }
    boost::json::monotonic_resource memory;
    json_parser parser(bounds);
    const auto document = parser.parse(body, &memory);
    if (!document)
        return document.error();
    if (is_error_frame(*document))
        return decode_error_frame(*document, error_place::body);
    if (lacks_choices<T>(*document))
    {
        auto info = failure(errc::bad_response,
                            "the answer has no \"choices\"; is base_url that of the API?");
        read_server_json(*document, info);
        return info;
    }
    return read_document<T>(*document, bounds.index);
}

template result<chat_response> decode(std::string_view, const limits&);
template result<completion_response> decode(std::string_view, const limits&);
template result<model_list> decode(std::string_view, const limits&);

}  // namespace regolo::core
