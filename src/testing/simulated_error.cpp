#include "testing/simulated_error.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace json = boost::json;

namespace regolo::inline v0::testing {

namespace {

/// The gateway's error object: the code is a string, and what is unknown the string "None".
simulated_error gateway_error(int status, json::value message, std::string_view type,
                              json::value param = "None")
{
    simulated_error error;
    error.status = status;
    error.body =
        json::serialize(json::object{{"error", json::object{{"message", std::move(message)},
                                                            {"type", type},
                                                            {"param", std::move(param)},
                                                            {"code", std::to_string(status)}}}});
    return error;
}

/// How the gateway words an error of the server behind it.
json::value provider_message(std::string_view name)
{
    std::string message = "litellm.";
    message.append(name).append(": Hosted_vllmException - ordered by the request");
    return json::string(message);
}

simulated_error error_of(int status)
{
    switch (status)
    {
        case 400:
            return gateway_error(400, provider_message("BadRequestError"), "invalid_request_error",
                                 nullptr);
        case 401:
            return wrong_key_error("sk-ordered-by-the-request");
        case 403:
            return gateway_error(403, "This key may not use this model.", "key_model_access_denied",
                                 "model");
        case 404:
            return gateway_error(404, provider_message("NotFoundError"), "None");
        case 408:
            return gateway_error(408, provider_message("Timeout"), "None");
        case 422:
            return gateway_error(422, provider_message("UnprocessableEntityError"), "None");
        case 429:
            return gateway_error(
                429,
                "Rate limit exceeded for api_key: 5699. Limit type: requests. Current limit: 1, "
                "Remaining: 0. Limit resets at: 2026-01-01 00:00:00 UTC",
                "None");
        case 500:
            return gateway_error(500, provider_message("InternalServerError"), "None");
        case 503:
            return gateway_error(503, provider_message("ServiceUnavailableError"), "None");
        case 504:
            return gateway_error(504, provider_message("Timeout"), "None");
        default:
            return gateway_error(status, provider_message("APIError"), "None");
    }
}

simulated_error proxy_page(int status)
{
    const auto title = std::to_string(status) + (status == 502 ? " Bad Gateway" : " Error");
    simulated_error error;
    error.status = status;
    error.content_type = "text/html";
    error.body = "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" +
                 title + "</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";
    return error;
}

/// Takes a number off the front of `text`.
bool take_number(std::string_view& text, int& number)
{
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc())
        return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
}

bool take(std::string_view& text, std::string_view prefix)
{
    if (!text.starts_with(prefix))
        return false;
    text.remove_prefix(prefix.size());
    return true;
}

fault_order parse_status_fault(std::string_view name)
{
    fault_order order;
    order.kind = fault::error;
    if (take(name, "html-"))
        order.variant = "html";
    else if (take(name, "error-first-event-"))
        order.kind = fault::first_event;
    else if (!take(name, "error-"))
        return {};
    if (!take_number(name, order.status) || order.status < 400 || order.status > 599)
        return {};
    if (take(name, "-retry-after-"))
    {
        const auto end = std::min(name.find("-once"), name.size());
        order.variant = name.substr(0, end);
        name.remove_prefix(end);
    }
    order.only_once = take(name, "-once");
    return name.empty() ? order : fault_order();
}

}  // namespace

fault_order parse_fault(std::string_view name)
{
    static constexpr auto names = std::to_array<std::pair<std::string_view, fault>>(
        {{"error-mid-stream", fault::error_mid_stream},
         {"cut-mid-stream", fault::cut_mid_stream},
         {"reset-mid-stream", fault::reset_mid_stream},
         {"stall-mid-stream", fault::stall_mid_stream},
         {"no-done", fault::no_done},
         {"no-finish", fault::no_finish},
         {"stall", fault::stall},
         {"close-after", fault::close_after}});
    for (const auto& [each, kind] : names)
    {
        if (name == each)
            return {kind, 0, {}, false};
    }
    if (name == "budget-exceeded")
        return {fault::error, 429, "budget", false};
    return parse_status_fault(name);
}

simulated_error ordered_error(const fault_order& order)
{
    if (order.variant == "html")
        return proxy_page(order.status);
    if (order.variant == "budget")
        return gateway_error(
            429, "Budget has been exceeded! Key=5699 Current cost: 2.6, Max budget: 2.5",
            "budget_exceeded", nullptr);
    auto error = error_of(order.status);
    if (!order.variant.empty())
        error.headers = "retry-after: " + order.variant + "\r\n";
    return error;
}

simulated_error no_key_error()
{
    return gateway_error(401, "Authentication Error, No api key passed in.", "auth_error");
}

simulated_error wrong_key_error(std::string_view key)
{
    // As the gateway does: clients must be able to cope with an echo of the key.
    std::string message =
        "Authentication Error, Invalid proxy server token passed. Received API Key = sk-...";
    message.append(key.substr(key.size() < 4 ? 0 : key.size() - 4))
        .append(", Key Hash (Token) =5699");
    return gateway_error(401, json::value(message), "token_not_found_in_db", "key");
}

simulated_error invalid_json_error(std::string_view reason)
{
    return gateway_error(400, json::value("Invalid JSON payload: " + std::string(reason)),
                         "invalid_request_error");
}

simulated_error unknown_model_error(std::string_view path, std::string_view model)
{
    std::string message(path);
    message.append(": Invalid model name passed in model=").append(model);
    message.append(". Call `/v1/models` to view available models for your key.");
    return gateway_error(400, json::object{{"error", message}}, "None");
}

simulated_error bad_request_error(std::string_view message, std::string_view param)
{
    return gateway_error(400, json::value(message), "invalid_request_error", json::value(param));
}

simulated_error missing_field_error(std::string_view place, std::string_view name)
{
    const json::object field{
        {"loc", json::array{place, name}}, {"msg", "Field required"}, {"type", "missing"}};
    simulated_error error;
    error.status = 422;
    error.body = json::serialize(json::object{{"detail", json::array{field}}});
    return error;
}

simulated_error not_found_error()
{
    return {404, R"({"detail":"Not Found"})", "application/json", {}};
}

simulated_error method_error(std::string_view allowed)
{
    return {405, R"({"detail":"Method Not Allowed"})", "application/json",
            "allow: " + std::string(allowed) + "\r\n"};
}

std::optional<simulated_error> check_members(const json::object& request, bool is_chat)
{
    const auto* value = request.if_contains(is_chat ? "messages" : "prompt");
    if (!is_chat)
    {
        if (value != nullptr && (value->is_string() || value->is_array()))
            return std::nullopt;
        return bad_request_error("prompt is required", "prompt");
    }
    if (value == nullptr || !value->is_array() || value->get_array().empty())
        return bad_request_error("messages must be an array with an item at least", "messages");
    for (const auto& message : value->get_array())
    {
        const auto* role = message.is_object() ? message.get_object().if_contains("role") : nullptr;
        if (role == nullptr || !role->is_string())
            return bad_request_error("every message needs a role", "messages");
    }
    return std::nullopt;
}

}  // namespace regolo::inline v0::testing
