#include "testing/simulated_endpoint.hpp"

#include "testing/simulated_text.hpp"

#include <boost/json/string.hpp>

#include <algorithm>
#include <array>

namespace regolo::inline v0::testing {

namespace {

endpoint_answer answer_health(const endpoint_call&)
{
    return simulated_body{boost::json::string("I'm alive!"), 0};
}

constexpr auto endpoints = std::to_array<endpoint>({
    {"POST", "/embeddings", true, true, answer_embeddings},
    {"POST", "/images/generations", true, true, answer_images},
    {"POST", "/rerank", true, true, answer_rerank},
    {"POST", "/audio/transcriptions", true, true, answer_transcription},
    {"POST", "/audio/translations", true, true, answer_transcription},
    {"POST", "/audio/speech", true, true, answer_speech},
    {"GET", "/models", true, false, answer_models},
    {"GET", "/health/liveliness", true, false, answer_health},
    {"GET", "/model/info", true, true, answer_model_info},
    {"GET", "/model_group/info", false, false, answer_model_groups},
    {"GET", "/utils/supported_openai_params", false, true, answer_supported_parameters},
    {"POST", "/utils/token_counter", false, true, answer_token_counter},
    {"GET", "/key/info", false, true, answer_key_info},
    {"GET", "/user/info", false, true, answer_user_info},
    {"GET", "/global/activity", false, true, answer_activity},
    {"GET", "/spend/logs/v2", false, true, answer_spend_logs},
});

}  // namespace

route find_route(std::string_view path)
{
    route found;
    const auto whole = path.size();
    for (const std::string_view prefix : {"/custom-model/", "/v1/"})
    {
        if (path.starts_with(prefix))
            path.remove_prefix(prefix.size() - 1);
    }
    for (const std::string_view prefix : {"/engines/", "/openai/deployments/"})
    {
        if (!path.starts_with(prefix))
            continue;
        path.remove_prefix(prefix.size());
        found.model = path.substr(0, path.find('/'));
        path.remove_prefix(found.model.size());
    }
    found.is_bare = path.size() == whole;
    if (path.size() > 1 && path.ends_with('/'))
        path.remove_suffix(1);
    found.path = path;
    return found;
}

std::string endpoint_call::query(std::string_view name) const { return query_value(target, name); }

bool endpoint_call::knows(std::string_view model) const
{
    return std::find(models.begin(), models.end(), model) != models.end();
}

const endpoint* find_endpoint(const route& where)
{
    const auto* const found =
        std::find_if(endpoints.begin(), endpoints.end(), [&](const endpoint& each) {
            return each.path == where.path && (each.is_versioned || where.is_bare);
        });
    return found == endpoints.end() ? nullptr : found;
}

}  // namespace regolo::inline v0::testing
