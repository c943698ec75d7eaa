#include "core/api_error.hpp"

#include "core/metadata_codec.hpp"
#include "core/server_words.hpp"
#include "core/text.hpp"
#include "core/utf8.hpp"

#include <boost/json/object.hpp>

#include <algorithm>
#include <charconv>
#include <string>

namespace regolo::core {

namespace {

namespace json = boost::json;

struct named_status
{
    std::string_view name;
    int status;
};

/// The names that APIs and gateways give their errors, as code or as type.
constexpr named_status named_statuses[] = {
    {"rate_limit_exceeded", 429},
    {"rate_limit_error", 429},
    {"ratelimiterror", 429},
    {"too_many_requests", 429},
    {"overloaded_error", 529},
    {"overloaded", 529},
    {"engine_overloaded", 503},
    {"service_unavailable", 503},
    {"service_unavailable_error", 503},
    {"serviceunavailableerror", 503},
    {"unavailable_error", 503},
    {"apiconnectionerror", 503},
    {"api_connection_error", 503},
    {"bad_gateway", 502},
    {"gateway_timeout", 504},
    {"timeout", 408},
    {"timeout_error", 408},
    {"request_timeout", 408},
    {"server_error", 500},
    {"api_error", 500},
    {"internal_error", 500},
    {"internal_server_error", 500},
    {"internalservererror", 500},
    {"invalid_request_error", 400},
    {"badrequesterror", 400},
    {"bad_request", 400},
    {"bad_request_error", 400},
    {"context_length_exceeded", 400},
    {"exceed_context_size_error", 400},
    {"content_policy_violation", 400},
    {"auth_error", 401},
    {"authentication_error", 401},
    {"authenticationerror", 401},
    {"invalid_api_key", 401},
    {"token_not_found_in_db", 401},
    {"expired_key", 401},
    {"permission_error", 403},
    {"permission_denied", 403},
    {"permissiondeniederror", 403},
    {"not_found", 404},
    {"not_found_error", 404},
    {"notfounderror", 404},
    {"model_not_found", 404},
    {"conflict_error", 409},
    {"request_too_large", 413},
};

constexpr std::string_view exhausted_names[] = {
    "budget_exceeded",
    "insufficient_quota",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "billing_hard_limit_reached",
};

int status_of_name(std::string_view name) noexcept
{
    for (const named_status& known : named_statuses)
    {
        if (iequals(known.name, name))
        {
            return known.status;
        }
    }
    return 0;
}

/// A number that is an HTTP status of an error, else 0.
int status_of_number(std::string_view text) noexcept
{
    int status = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), status);
    const bool whole = read.ec == std::errc() && read.ptr == text.data() + text.size();
    return whole && status >= 300 && status <= 599 ? status : 0;
}

bool contains(std::string_view lower_case, std::string_view part) noexcept
{
    return lower_case.find(part) != std::string_view::npos;
}

/// A model is named, and not only as a part of a path such as /v1/models.
bool names_model(std::string_view lower_case) noexcept
{
    constexpr std::string_view word = "model";
    std::size_t at = lower_case.find(word);
    while (at != std::string_view::npos && at > 0 && lower_case[at - 1] == '/')
    {
        at = lower_case.find(word, at + word.size());
    }
    return at != std::string_view::npos;
}

bool is_about_model(const error_info& info)
{
    if (iequals(info.server_code, "model_not_found") ||
        iequals(info.server_type, "model_not_found"))
    {
        return true;
    }
    const std::string words = to_lower(info.server_message);
    return contains(words, "invalid model name") ||
           (names_model(words) && (contains(words, "not found") || contains(words, "not exist")));
}

errc code_of_status(int status) noexcept
{
    switch (status)
    {
        case 400:
        case 405:
        case 406:
        case 415:
        case 422:
            return errc::bad_request;
        case 401:
            return errc::unauthorized;
        case 402:
            return errc::quota_exhausted;
        case 403:
            return errc::permission_denied;
        case 404:
            return errc::not_found;
        case 408:
            return errc::request_timeout;
        case 409:
            return errc::conflict;
        case 413:
            return errc::payload_too_large;
        case 429:
            return errc::rate_limited;
        case 502:
        case 503:
        case 504:
        case 529:
            return errc::unavailable;
        default:
            break;
    }
    if (status >= 300 && status < 400)
    {
        return errc::redirected;
    }
    return status >= 500 ? errc::server_error : errc::api_error;
}

errc code_of(const error_info& info)
{
    if (is_exhausted(info))
    {
        return errc::quota_exhausted;
    }
    const int status = effective_status(info);
    if (status == 400 && is_about_model(info))
    {
        return errc::not_found;
    }
    return code_of_status(status);
}

bool is_about_length(const error_info& info) noexcept
{
    return iequals(info.server_code, "context_length_exceeded") ||
           iequals(info.server_type, "exceed_context_size_error");
}

std::string wait_text(const error_info& info)
{
    if (!info.retry_after)
    {
        return "wait a little";
    }
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*info.retry_after).count();
    return "wait " + std::to_string(seconds) + " s";
}

/// What happened and what to do about it, in our words.
std::string advice(errc code, const error_info& info)
{
    switch (code)
    {
        case errc::bad_request:
            return is_about_length(info)
                       ? "the prompt is too long for the model: shorten it or ask for fewer tokens"
                       : "the API refused the request: change what its words are about";
        case errc::unauthorized:
            return "the key is missing or was refused: check REGOLO_API_KEY";
        case errc::permission_denied:
            return "the key may not do this: check that it may use this model, and base_url";
        case errc::not_found:
            return is_about_model(info)
                       ? "no such model for this key: list them with client.models()"
                       : "no such path or model: check base_url, and the model with "
                         "client.models()";
        case errc::request_timeout:
            return "the server gave up waiting: try again, or ask for less at once";
        case errc::conflict:
            return "the request clashes with another one: try again";
        case errc::payload_too_large:
            return "the request is too large for the server: send less, or smaller images";
        case errc::rate_limited:
            return "too many requests or tokens for now: " + wait_text(info) +
                   " and try again, with fewer calls at once";
        case errc::quota_exhausted:
            return "the budget or quota is used up: raise it or wait for its reset; trying again "
                   "does not help";
        case errc::server_error:
            return "the server or the model behind it failed: try again later";
        case errc::unavailable:
            return "the server or the model is overloaded, starting or down: try again later";
        default:
            break;
    }
    return info.http_status == 407 ? "the proxy wants a user name and password"
                                   : "the API reported an error";
}

/// The part of a redirect's target that belongs into `client_config::base_url`.
std::string_view base_of(std::string_view location) noexcept
{
    location = location.substr(0, location.find_first_of("?#"));
    for (const std::string_view path : {"/v1/", "/chat/completions", "/completions", "/models"})
    {
        location = location.substr(0, location.find(path));
    }
    return location.ends_with("/v1") ? location.substr(0, location.size() - 3) : location;
}

std::string redirect_text(const response_head& head)
{
    constexpr std::size_t shown = 300;
    const auto location = find_header(head.headers, "location");
    if (!location || location->empty())
    {
        return "the server redirects without saying where to: check base_url";
    }
    std::string text = "the server redirects to \"" + printable(*location, shown) +
                       "\", which is not followed: set base_url to ";
    if (location->find("://") == std::string_view::npos)
    {
        return text + "where that path is";
    }
    return text + printable(base_of(*location), shown);
}

std::optional<bool> read_should_retry(const std::vector<header>& headers) noexcept
{
    const auto value = find_header(headers, "x-should-retry");
    if (value && iequals(*value, "true"))
    {
        return true;
    }
    if (value && iequals(*value, "false"))
    {
        return false;
    }
    return std::nullopt;
}

/// Ends the making of an error whose words have been read.
void conclude_frame(error_info& info)
{
    info.where = phase::body;
    info.sent = true;
    const errc code = code_of(info);
    info.code = code;
    info.message = "the stream brought an error: " + advice(code, info);
}

bool is_none(const json::value& error) noexcept
{
    return error.is_null() || (error.is_bool() && !error.get_bool()) ||
           (error.is_string() && error.get_string().empty());
}

}  // namespace

error_info decode_error(const response_head& head, std::string_view body,
                        std::chrono::system_clock::time_point now)
{
    error_info info;
    info.where = phase::body;
    info.sent = true;
    info.http_status = head.status;
    read_head(head, info.metadata);
    info.request_id = info.metadata.request_id;
    info.retry_after = read_retry_after(head.headers, now);
    info.should_retry = read_should_retry(head.headers);
    read_server_body(body, info);
    const errc code = code_of(info);
    info.code = code;
    if (code == errc::redirected)
    {
        info.message = redirect_text(head);
        return info;
    }
    info.message = advice(code, info);
    if (looks_like_html(body))
    {
        info.message = "a gateway in front of the API answered with an HTML page: " + info.message;
    }
    return info;
}

error_info decode_error_frame(const json::value& frame)
{
    error_info info;
    read_server_json(frame, info);
    conclude_frame(info);
    return info;
}

error_info decode_error_text(std::string_view text)
{
    error_info info;
    read_server_body(text, info);
    conclude_frame(info);
    return info;
}

bool is_error_frame(const json::value& value) noexcept
{
    const json::object* object = value.if_object();
    if (object == nullptr)
    {
        return false;
    }
    const bool has_choices = object->contains("choices");
    if (const json::value* error = object->if_contains("error"); error != nullptr)
    {
        // an empty text beside choices says that there is none
        if (!is_none(*error) || (error->is_string() && !has_choices))
        {
            return true;
        }
    }
    if (has_choices)
    {
        return false;
    }
    if (const json::value* detail = object->if_contains("detail"); detail && !detail->is_null())
    {
        return true;
    }
    const json::value* message = object->if_contains("message");
    return message != nullptr && message->is_string() && !object->contains("id") &&
           (object->contains("code") || object->contains("type") || object->contains("status"));
}

int effective_status(const error_info& info) noexcept
{
    if (info.http_status >= 300)
    {
        return info.http_status;
    }
    for (const int status : {status_of_number(info.server_code), status_of_name(info.server_code),
                             status_of_name(info.server_type)})
    {
        if (status != 0)
        {
            return status;
        }
    }
    return 0;
}

bool is_exhausted(const error_info& info) noexcept
{
    return std::any_of(std::begin(exhausted_names), std::end(exhausted_names),
                       [&](std::string_view name) {
                           return info.server_code == name || info.server_type == name;
                       });
}

}  // namespace regolo::core
