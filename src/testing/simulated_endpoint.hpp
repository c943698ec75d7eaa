#pragma once

#include "testing/simulated_audio.hpp"
#include "testing/simulated_error.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace regolo::inline v0::testing {

/// Where a request goes.
struct route
{
    std::string_view path;   // without prefix and version
    std::string_view model;  // named by the path
    bool is_bare = true;     // the path was sent like that
};

/// /v1/x, /x, /custom-model/v1/x, /engines/{model}/x and /openai/deployments/{model}/x are all x.
[[nodiscard]] route find_route(std::string_view path);

/// A request of an endpoint that has no stream. The body names a known model if the endpoint wants one.
struct endpoint_call
{
    const boost::json::object& body;  // empty for a GET
    std::string_view target;
    const std::vector<std::string>& models;

    [[nodiscard]] std::string query(std::string_view name) const;
    [[nodiscard]] bool knows(std::string_view model) const;
};

struct simulated_body
{
    boost::json::value json;
    std::size_t tokens = 0;  // zero: it costs nothing
};

using endpoint_answer = std::variant<simulated_body, simulated_media, simulated_error>;

struct endpoint
{
    std::string_view method;
    std::string_view path;
    bool is_versioned = true;  // also known with /v1 and the like
    bool needs_key = true;
    endpoint_answer (*answer)(const endpoint_call&) = nullptr;
};

/// Null if there is no such endpoint.
[[nodiscard]] const endpoint* find_endpoint(const route& where);

// ---- the answers, by kind

[[nodiscard]] endpoint_answer answer_embeddings(const endpoint_call& call);
[[nodiscard]] endpoint_answer answer_images(const endpoint_call& call);
[[nodiscard]] endpoint_answer answer_rerank(const endpoint_call& call);

[[nodiscard]] endpoint_answer answer_transcription(const endpoint_call& call);
[[nodiscard]] endpoint_answer answer_speech(const endpoint_call& call);

[[nodiscard]] endpoint_answer answer_models(const endpoint_call& call);
[[nodiscard]] endpoint_answer answer_model_info(const endpoint_call& call);
[[nodiscard]] endpoint_answer answer_model_groups(const endpoint_call& call);
[[nodiscard]] endpoint_answer answer_supported_parameters(const endpoint_call& call);
[[nodiscard]] endpoint_answer answer_token_counter(const endpoint_call& call);

[[nodiscard]] endpoint_answer answer_key_info(const endpoint_call& call);
[[nodiscard]] endpoint_answer answer_user_info(const endpoint_call& call);
[[nodiscard]] endpoint_answer answer_activity(const endpoint_call& call);
[[nodiscard]] endpoint_answer answer_spend_logs(const endpoint_call& call);

}  // namespace regolo::inline v0::testing
