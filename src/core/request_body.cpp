#include "core/request_body.hpp"

namespace regolo::core {

namespace json = boost::json;

namespace {

constexpr std::string_view stream_options = "stream_options";

bool has_text(const json::object& body, std::string_view key) noexcept
{
    const auto* json = body.if_contains(key);
    return json != nullptr && !(json->is_string() && json->get_string().empty());
}

}  // namespace

result<void> name_model(json::object& body, std::string_view default_model)
{
    if (has_text(body, "model"))
        return {};
    if (default_model.empty())
    {
        return invalid_request(
            "no model: name one in the request, or set client_config::model or REGOLO_MODEL (for "
            "kinds other than chat and completions, client_config::models)");
    }
    body["model"] = default_model;
    return {};
}

result<std::string> finish_body(json::object& body, const json::object& extra,
                                const std::optional<bool>& include_usage, bool stream,
                                std::string_view default_model)
{
    if (auto named = name_model(body, default_model); !named)
        return named.error();
    // whether the answer is a stream depends on the call that was made, so `extra` cannot change it
    if (stream)
        body["stream"] = true;
    else if (const auto* asked = body.if_contains("stream"); asked != nullptr && *asked == true)
        body.erase("stream");
    if (!extra.contains(stream_options))
    {
        body.erase(stream_options);
        if (stream && include_usage.value_or(true))
            body[stream_options].emplace_object()["include_usage"] = true;
    }
    return serialize_request(json::value(std::move(body)));
}

}  // namespace regolo::core
