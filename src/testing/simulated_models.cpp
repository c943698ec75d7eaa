// What the gateway tells about its models.

#include "testing/simulated_answer.hpp"
#include "testing/simulated_endpoint.hpp"
#include "testing/simulated_request.hpp"
#include "testing/simulated_text.hpp"

#include <boost/json/array.hpp>

#include <array>
#include <utility>

namespace json = boost::json;

namespace regolo::inline v0::testing {

namespace {

/// As the names of real models show it.
std::string_view mode_of(std::string_view model)
{
    static constexpr auto signs = std::to_array<std::pair<std::string_view, std::string_view>>(
        {{"embed", "embedding"},
         {"image", "image_generation"},
         {"rerank", "rerank"},
         {"whisper", "audio_transcription"},
         {"transcription", "audio_transcription"},
         {"speech", "audio_speech"}});
    const auto name = lower(model);
    for (const auto& [sign, mode] : signs)
    {
        if (name.find(sign) != std::string::npos)
            return mode;
    }
    return "chat";
}

json::object facts_of(std::string_view model)
{
    const auto mode = mode_of(model);
    json::object facts{{"mode", mode}, {"max_tokens", nullptr}};
    if (mode != "chat")
        return facts;
    facts["input_cost_per_token"] = 2e-06;
    facts["output_cost_per_token"] = 5.2e-06;
    facts["max_input_tokens"] = 96000.0;  // a float, as the gateway sends it
    facts["max_output_tokens"] = 96000.0;
    facts["supports_reasoning"] = lower(model).find("reasoning") != std::string::npos;
    facts["supports_vision"] = false;
    return facts;
}

/// {"data": [...]} of what `make` makes of each model.
template <class Make>
simulated_body list_of(const std::vector<std::string>& models, Make make)
{
    json::array data;
    for (const auto& model : models)
        data.push_back(make(model));
    return {json::object{{"data", std::move(data)}}, 0};
}

}  // namespace

endpoint_answer answer_models(const endpoint_call& call)
{
    auto models = call.models;
    if (call.query("return_wildcard_routes") == "true")
        models.emplace_back("openai/*");
    auto body = list_of(models, [](std::string_view model) {
        return json::object{
            {"id", model}, {"object", "model"}, {"created", 1677610602}, {"owned_by", "openai"}};
    });
    body.json.as_object()["object"] = "list";
    return body;
}

endpoint_answer answer_model_info(const endpoint_call& call)
{
    auto wanted = call.query("regolo_model_id");
    if (wanted.empty())
        wanted = call.query("litellm_model_id");
    std::vector<std::string> models;
    for (const auto& model : call.models)
    {
        if (wanted.empty() || wanted == hex(hash(model)))
            models.push_back(model);
    }
    if (models.empty())
        return bad_request_error("Model id = " + wanted + " not found on the proxy", "None");
    return list_of(models, [](std::string_view model) {
        auto info = facts_of(model);
        info["id"] = hex(hash(model));
        info["db_model"] = false;
        return json::object{
            {"model_name", model},
            {"litellm_params", json::object{{"model", "hosted_vllm/" + std::string(model)}}},
            {"model_info", std::move(info)}};
    });
}

endpoint_answer answer_model_groups(const endpoint_call& call)
{
    return list_of(call.models, [](std::string_view model) {
        auto group = facts_of(model);
        group["model_group"] = model;
        group["providers"] = json::array{"hosted_vllm"};
        return group;
    });
}

endpoint_answer answer_supported_parameters(const endpoint_call& call)
{
    const auto model = call.query("model");
    if (model.empty())
        return missing_field_error("query", "model");
    if (!call.knows(model))
        return bad_request_error("Could not map model=" + model, "None");
    json::array names{"max_tokens", "n",           "response_format", "seed",  "stop",
                      "stream",     "temperature", "tool_choice",     "tools", "top_p"};
    if (lower(model).find("reasoning") != std::string::npos)
        names.emplace_back("reasoning_effort");
    return simulated_body{json::object{{"supported_openai_params", std::move(names)}}, 0};
}

endpoint_answer answer_token_counter(const endpoint_call& call)
{
    const auto* messages = member(call.body, "messages");
    const auto* prompt = member(call.body, "prompt");
    if ((prompt == nullptr || !prompt->is_string()) && messages == nullptr)
        return bad_request_error("prompt or messages or contents must be provided", "None");
    std::size_t words = 0;
    if (messages == nullptr)
        words = token_text(prompt->get_string()).size();
    else if (const auto error = check_members(call.body, true))
        return *error;
    else
        words = read_conversation(call.body, true).words;
    const auto model = text_member(call.body, "model");
    return simulated_body{json::object{{"total_tokens", words},
                                       {"request_model", model},
                                       {"model_used", "hosted_vllm/" + std::string(model)},
                                       {"tokenizer_type", "openai_tokenizer"}},
                          0};
}

}  // namespace regolo::inline v0::testing
