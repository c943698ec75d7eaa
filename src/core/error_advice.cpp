#include "core/error_advice.hpp"

#include "core/api_error.hpp"
#include "core/http_message.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <string_view>

namespace regolo::core {

namespace {

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
    // LiteLLM appends which model was asked, whatever the error is about.
    std::string words = to_lower(info.server_message);
    words.resize(std::min(words.find("litellm: model group"), words.size()));
    return contains(words, "invalid model name") || contains(words, "you passed in model=") ||
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
        case 407:
            return errc::proxy_refused;
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

bool is_about_length(const error_info& info)
{
    return contains(to_lower(info.server_message), "contextwindowexceedederror") ||
           iequals(info.server_code, "context_length_exceeded") ||
           iequals(info.server_type, "exceed_context_size_error");
}

// What nginx answers to a client certificate that it misses or does not accept.
bool is_about_certificate(const error_info& info)
{
    const std::string words = to_lower(info.server_message);
    return contains(words, "no required ssl certificate") ||
           contains(words, "the ssl certificate error");
}

// A gateway that has no data base to look a key up in refuses all but its master key so.
bool is_about_key(const error_info& info) { return iequals(info.server_type, "no_db_connection"); }

std::string wait_text(const error_info& info)
{
    if (!info.retry_after)
    {
        return "wait a little";
    }
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*info.retry_after).count();
    return "wait " + std::to_string(seconds) + " s";
}

}  // namespace

errc code_of(const error_info& info)
{
    if (is_exhausted(info))
    {
        return errc::quota_exhausted;
    }
    const int status = effective_status(info);
    if (status == 400 && is_about_key(info))
    {
        return errc::unauthorized;
    }
    if (status == 400 && is_about_model(info))
    {
        return errc::not_found;
    }
    return code_of_status(status);
}

std::string advice(errc code, const error_info& info)
{
    switch (code)
    {
        case errc::bad_request:
            if (is_about_certificate(info))
            {
                return "the server demands a client certificate that it accepts: set "
                       "tls_options::client_cert_file and client_key_file";
            }
            return is_about_length(info)
                       ? "the prompt is too long for the model: shorten it or ask for fewer tokens"
                       : "the API refused the request; its own words (server_message) say what is "
                         "wrong with it";
        case errc::unauthorized:
            return "the key is missing or was refused: check REGOLO_API_KEY, or the key given in "
                   "the program";
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
        case errc::proxy_refused:
            return "the proxy wants another user name and password: write them into its URL, "
                   "http://user:password@host:port";
        default:
            break;
    }
    return "the API reported an error";
}

}  // namespace regolo::core
