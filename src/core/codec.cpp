#include "core/codec.hpp"

#include "core/account_codec.hpp"
#include "core/api_error.hpp"
#include "core/chat_codec.hpp"
#include "core/completion_codec.hpp"
#include "core/embedding_codec.hpp"
#include "core/image_codec.hpp"
#include "core/json_text.hpp"
#include "core/model_codec.hpp"
#include "core/model_info_codec.hpp"
#include "core/request_body.hpp"
#include "core/rerank_codec.hpp"
#include "core/server_words.hpp"
#include "core/speech_codec.hpp"
#include "core/text.hpp"
#include "core/token_count_codec.hpp"
#include "core/transcript_codec.hpp"
#include "core/utf8.hpp"

#include <type_traits>
#include <utility>

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

/// The member without which there is no such answer, be it an empty list. Empty: any object will do.
template <class T>
constexpr std::string_view essential_member = "data";
template <>
constexpr std::string_view essential_member<chat_response> = "choices";
template <>
constexpr std::string_view essential_member<completion_response> = "choices";
template <>
constexpr std::string_view essential_member<rerank_response> = "results";
template <>
constexpr std::string_view essential_member<supported_parameters> = "supported_openai_params";
template <>
constexpr std::string_view essential_member<token_count> = "total_tokens";
template <>
constexpr std::string_view essential_member<key_info> = "info";
template <>
constexpr std::string_view essential_member<user_info> = "";
template <>
constexpr std::string_view essential_member<activity> = "";

template <>
constexpr std::string_view essential_member<transcript> = "text";

template <class T>
bool lacks_essential_member(json_view document) noexcept
{
    if (!document.is_object() || essential_member<T>.empty())
        return false;
    const auto member = document.find(essential_member<T>);
    return !member || member.is_null();
}

/// What a request cannot do without and lacks; empty: nothing.
std::string_view what_lacks(const rerank_request& request) noexcept
{
    return request.documents.empty() && !request.extra.contains("documents") ? "documents" : "";
}
std::string_view what_lacks(const embedding_request& request) noexcept
{
    const auto is_empty = [](const auto& input) { return input.empty(); };
    return std::visit(is_empty, request.input) && !request.extra.contains("input") ? "input" : "";
}
template <class Request>
std::string_view what_lacks(const Request&) noexcept
{
    return {};
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
    json_tape tape;
    auto document = json_parser(bounds).parse(body, tape);
    if (!document)
        return document.error();
    // LiteLLM says so where there has been none
    if (std::is_same_v<T, activity> && document->is_array() && document->size() == 0)
        document = json_view::empty_object();
    if (is_error_frame(*document))
        return decode_error_frame(*document, error_place::body);
    if (lacks_essential_member<T>(*document))
    {
        auto info =
            failure(errc::bad_response, "the answer has no \"" + std::string(essential_member<T>) +
                                            "\"; is base_url that of the API?");
        read_server_json(document->to_value(), info);
        return info;
    }
    return read_document<T>(*document, bounds.index);
}

template <class Request>
result<std::string> encode(const Request& request, std::string_view default_model)
{
    if (const auto lacking = what_lacks(request); !lacking.empty())
        return invalid_request("the request has no " + std::string(lacking) + ": set `" +
                               std::string(lacking) + '`');
    request_memory memory;
    auto body = write_json(request, memory.context()).as_object();
    if (auto named = name_model(body, default_model); !named)
        return named.error();
    return serialize_request(boost::json::value(std::move(body)));
}

template result<chat_response> decode(std::string_view, const limits&);
template result<completion_response> decode(std::string_view, const limits&);
template result<model_list> decode(std::string_view, const limits&);
template result<embedding_response> decode(std::string_view, const limits&);
template result<transcript> decode(std::string_view, const limits&);
template result<image_response> decode(std::string_view, const limits&);
template result<rerank_response> decode(std::string_view, const limits&);
template result<key_info> decode(std::string_view, const limits&);
template result<user_info> decode(std::string_view, const limits&);
template result<activity> decode(std::string_view, const limits&);
template result<spend_logs> decode(std::string_view, const limits&);
template result<model_info_list> decode(std::string_view, const limits&);
template result<model_group_list> decode(std::string_view, const limits&);
template result<supported_parameters> decode(std::string_view, const limits&);
template result<token_count> decode(std::string_view, const limits&);

template result<std::string> encode(const embedding_request&, std::string_view);
template result<std::string> encode(const image_request&, std::string_view);
template result<std::string> encode(const rerank_request&, std::string_view);
template result<std::string> encode(const speech_request&, std::string_view);
template result<std::string> encode(const token_count_request&, std::string_view);

}  // namespace regolo::core
