#include "core/codec.hpp"

#include "core/api_error.hpp"
#include "core/chat_codec.hpp"
#include "core/completion_codec.hpp"
#include "core/json_text.hpp"
#include "core/model_codec.hpp"
#include "core/server_words.hpp"
#include "core/text.hpp"

#include <boost/json/monotonic_resource.hpp>

namespace regolo::core {

namespace {

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

}  // namespace

template <class T>
result<T> decode(std::string_view body, const limits& bounds)
{
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
    return read_document<T>(*document, bounds.index);
}

template result<chat_response> decode(std::string_view, const limits&);
template result<completion_response> decode(std::string_view, const limits&);
template result<model_list> decode(std::string_view, const limits&);

}  // namespace regolo::core
