#include "core/api_error.hpp"

#include "core/check_encoding.hpp"
#include "core/error_advice.hpp"
#include "core/metadata_codec.hpp"
#include "core/server_words.hpp"
#include "core/text.hpp"
#include "core/utf8.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <string>

namespace regolo::core {

namespace {

struct named_status
{
    std::string_view name;
    int status;
};

/// The names that APIs and gateways give their errors, as code or as type.
constexpr auto named_statuses = std::to_array<named_status>({
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
});

constexpr auto exhausted_names = std::to_array<std::string_view>({
    "budget_exceeded",
    "insufficient_quota",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "billing_hard_limit_reached",
});

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
    text = trim(text);
    const auto read = std::from_chars(text.data(), text.data() + text.size(), status);
    const bool whole = read.ec == std::errc() && read.ptr == text.data() + text.size();
    return whole && status >= 300 && status <= 599 ? status : 0;
}

/// The part of a redirect's target that belongs into `client_config::base_url`.
std::string_view base_of(std::string_view location) noexcept
{
    for (const std::string_view path : {"/v1/", "/chat/completions", "/completions", "/models"})
    {
        location = location.substr(0, location.find(path));
    }
    return location.ends_with("/v1") ? location.substr(0, location.size() - 3) : location;
}

/// The target without what may be a secret: a user, a password, a query.
std::string shown_target(std::string_view location)
{
    location = location.substr(0, location.find_first_of("?#"));
    const std::size_t slashes = location.find("//");
    if (slashes == std::string_view::npos)
    {
        return std::string(location);
    }
    const std::size_t begin = slashes + 2;
    const std::string_view authority = location.substr(begin, location.find('/', begin) - begin);
    const std::size_t at = authority.rfind('@');
    const std::size_t host = at == std::string_view::npos ? begin : begin + at + 1;
    return std::string(location.substr(0, begin)) += location.substr(host);
}

std::string redirect_text(const response_head& head)
{
    constexpr std::size_t shown = 300;
    const auto location = find_header(head.headers, "location");
    if (!location || location->empty())
    {
        return "the server redirects without saying where to: check base_url";
    }
    const std::string target = shown_target(*location);
    std::string text = "the server redirects to \"" + printable(target, shown) +
                       "\", which is not followed: set base_url to ";
    if (target.find("://") == std::string::npos)
    {
        return text + "where that path is";
    }
    return text + printable(base_of(target), shown);
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
void conclude_frame(error_info& info, error_place where)
{
    info.where = phase::body;
    info.sent = true;
    if (info.server_code.empty() && status_of_number(info.server_message) != 0)
    {
        info.server_code = info.server_message;  // "error: 503"
    }
    const errc code = code_of(info);
    info.code = code;
    info.message = where == error_place::stream
                       ? "the stream brought an error: "
                       : "the answer is an error, though its status says success: ";
    info.message += advice(code, info);
}

bool is_none(json_view error) noexcept
{
    return error.is_null() || error.if_bool() == false || error.if_string() == "" ||
           (error.is_array() && error.size() == 0);
}

/// Beside choices these say as well that there is none.
bool is_empty_or_zero(json_view error) noexcept
{
    return (error.is_object() && error.size() == 0) || error.if_int64() == 0;
}

bool has_any(json_view object, std::initializer_list<std::string_view> names) noexcept
{
    return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
        const json_view found = object.find(name);
        return found && !is_none(found);
    });
}

/// An object without choices that no API sends as an answer or a chunk.
bool is_bare_error(json_view object) noexcept
{
    if (has_any(object, {"detail", "errors", "fault", "error_description"}))
    {
        return true;
    }
    if (const json_view kind = object.find("object"); kind && kind.if_string() == "error")
    {
        return true;
    }
    const json_view message = object.find("message");
    const bool has_words = (message && message.is_string()) || has_any(object, {"msg", "title"});
    return has_words && (!object.find("id") || has_any(object, {"code", "status", "status_code"}));
}

/// The error that a gateway put into one of the choices, if there is one.
json_view error_of_choices(json_view choices) noexcept
{
    if (!choices || !choices.is_array())
    {
        return {};
    }
    for (const json_view choice : choices.elements())
    {
        if (const json_view error = choice.find("error"); error && !is_none(error))
        {
            return error;
        }
    }
    return {};
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
    if (check_encoding(head))  // what is compressed is no text to show
    {
        read_server_body(body, info);
    }
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

error_info decode_error_frame(json_view frame, error_place where)
{
    error_info info;
    const json_view in_choice = error_of_choices(frame.find("choices"));
    read_server_json((in_choice ? in_choice : frame).to_value(), info);
    conclude_frame(info, where);
    return info;
}

error_info decode_error_text(std::string_view text, error_place where)
{
    error_info info;
    read_server_body(text, info);
    conclude_frame(info, where);
    return info;
}

bool is_error_frame(json_view json) noexcept
{
    if (json.is_array() && json.size() == 1)
    {
        const json_view only = *json.elements().begin();
        return only.is_object() && is_error_frame(only);
    }
    if (!json.is_object())
    {
        return false;
    }
    const json_view choices = json.find("choices");
    if (const json_view error = json.find("error"))
    {
        const bool given = choices ? !is_none(error) && !is_empty_or_zero(error)
                                   : !is_none(error) || error.is_string();
        if (given)
        {
            return true;
        }
    }
    if (choices)
    {
        return static_cast<bool>(error_of_choices(choices));
    }
    return is_bare_error(json);
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
    return std::any_of(exhausted_names.begin(), exhausted_names.end(), [&](std::string_view name) {
        return info.server_code == name || info.server_type == name;
    });
}

}  // namespace regolo::core
