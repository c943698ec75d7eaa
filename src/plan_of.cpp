#include "core/codec.hpp"
#include "core/request_body.hpp"
#include "operations.hpp"

#include <memory>
#include <string>
#include <utility>

namespace regolo::inline v0::detail {

namespace {

void set_body(call_plan& plan, result<std::string> encoded)
{
    if (encoded)
        plan.body.bytes = std::make_shared<const std::string>(*std::move(encoded));
    else
        plan.refused = encoded.error();
}

void mark_as_stream(call_plan& plan, bool stream)
{
    plan.stream = stream;
    if (stream)
        plan.accept = "text/event-stream";
}

template <class Request>
call_plan generation_plan(const client_state& client, const Request& request, bool stream)
{
    call_plan plan;
    plan.model = model_of(request, client.config.model);
    set_body(plan, core::encode(request, stream, client.config.model));
    mark_as_stream(plan, stream);
    return plan;
}

/// For requests without a streaming form.
template <class Request>
call_plan plain_plan(std::string_view operation, const std::string& path, const Request& request,
                     const std::string& default_model)
{
    call_plan plan;
    plan.operation = operation;
    plan.path = path;
    plan.model = model_of(request, default_model);
    set_body(plan, core::encode(request, default_model));
    return plan;
}

}  // namespace

call_plan plan_of(const client_state& client, const chat_request& request, bool stream)
{
    auto plan = generation_plan(client, request, stream);
    plan.operation = "chat";
    plan.path = client.config.paths.chat;
    return plan;
}

call_plan plan_of(const client_state& client, const completion_request& request, bool stream)
{
    auto plan = generation_plan(client, request, stream);
    plan.operation = "text_completion";
    plan.path = client.config.paths.completions;
    return plan;
}

call_plan plan_of(const client_state&, const api_request& request, bool stream)
{
    call_plan plan;
    plan.operation = "request";
    plan.method = request.method;
    plan.path = request.path;
    if (!request.body.empty())
        set_body(plan, request.body);
    plan.content_type = request.content_type;
    mark_as_stream(plan, stream);
    return plan;
}

call_plan plan_of(const client_state& client, const embedding_request& request, bool)
{
    const auto& config = client.config;
    return plain_plan("embeddings", config.paths.embeddings, request, config.models.embedding);
}

call_plan plan_of(const client_state& client, const speech_request& request, bool stream)
{
    const auto& config = client.config;
    auto plan = plain_plan("speech", config.paths.speech, request, config.models.speech);
    plan.accept = "*/*";
    plan.stream = stream;
    return plan;
}

call_plan plan_of(const client_state& client, const image_request& request, bool)
{
    const auto& config = client.config;
    return plain_plan("generate_images", config.paths.images, request, config.models.image);
}

call_plan plan_of(const client_state& client, const rerank_request& request, bool)
{
    const auto& config = client.config;
    return plain_plan("rerank", config.paths.rerank, request, config.models.rerank);
}

call_plan plan_of(const client_state& client, const token_count_request& request, bool)
{
    return plain_plan("count_tokens", "/utils/token_counter", request, client.config.model);
}

call_plan plan_of_get(std::string_view operation, std::string_view path)
{
    call_plan plan;
    plan.operation = operation;
    plan.method = "GET";
    plan.path = path;
    return plan;
}

call_plan models_plan()
{
    auto plan = plan_of_get("models", "/v1/models");
    plan.needs_key = false;  // the gateway lists them to anybody
    return plan;
}

call_plan model_groups_plan()
{
    auto plan = plan_of_get("model_groups", "/model_group/info");
    plan.needs_key = false;
    return plan;
}

call_plan supported_parameters_plan(const client_state& client, std::string model,
                                    call_options& options)
{
    auto plan = plan_of_get("supported_parameters", "/utils/supported_openai_params");
    boost::json::object named{{"model", model}};
    if (auto has_model = core::name_model(named, client.config.model); !has_model)
        plan.refused = has_model.error();
    if (model.empty())
        model = client.config.model;
    plan.model = std::move(model);
    options.query.emplace_back("model", plan.model);
    return plan;
}

}  // namespace regolo::inline v0::detail
