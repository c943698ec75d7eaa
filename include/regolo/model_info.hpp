#pragma once

#include <regolo/error.hpp>
#include <regolo/json.hpp>
#include <regolo/metadata.hpp>

#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace regolo::inline v0 {

/// What a model is for, what it costs and what it can do, as far as the gateway tells.
struct model_facts
{
    model_facts() = default;

    std::string
        mode;  ///< such as "chat", "image_generation", "embedding", "audio_transcription" or "rerank"
    std::optional<double> input_cost_per_token;
    std::optional<double> output_cost_per_token;
    std::optional<std::int64_t> max_tokens;
    std::optional<std::int64_t> max_input_tokens;
    std::optional<std::int64_t> max_output_tokens;
    std::optional<bool> supports_reasoning;
    std::optional<bool> supports_vision;
};

/// `model_info` of a deployment.
struct model_details : model_facts
{
    model_details() = default;

    std::string id;  ///< of the deployment: what `regolo_model_id` asks for
    boost::json::object extra;
};

/// A model as it is deployed behind the gateway.
struct model_deployment
{
    model_deployment() = default;

    std::string model_name;                     ///< what requests call it
    std::optional<boost::json::object> params;  ///< `litellm_params` or `regolo_params`
    std::optional<model_details> info;
    boost::json::object extra;
};

/// The answer of `GET /v1/model/info`.
struct REGOLO_EXPORT model_info_list
{
    model_info_list() = default;

    std::vector<model_deployment> data;
    boost::json::object extra;
    regolo::metadata metadata;

    /// The first deployment of that name, whose case matters; null without one.
    [[nodiscard]] const model_deployment* find(std::string_view model_name) const noexcept;
};

/// All deployments of one name.
struct model_group : model_facts
{
    model_group() = default;

    std::string name;  ///< what requests call it, sent as `model_group`
    boost::json::object extra;
};

/// The answer of `GET /model_group/info`.
struct REGOLO_EXPORT model_group_list
{
    model_group_list() = default;

    std::vector<model_group> data;
    boost::json::object extra;
    regolo::metadata metadata;

    /// The group of that name, whose case matters; null without one.
    [[nodiscard]] const model_group* find(std::string_view name) const noexcept;
};

/// The answer of `GET /utils/supported_openai_params`: which members a chat request to a model may have.
struct REGOLO_EXPORT supported_parameters
{
    supported_parameters() = default;

    std::vector<std::string> names;
    boost::json::object extra;
    regolo::metadata metadata;

    [[nodiscard]] bool contains(std::string_view name) const noexcept;
};

template <>
REGOLO_EXPORT result<model_details> from_json<model_details>(const boost::json::value& json);
template <>
REGOLO_EXPORT result<model_deployment> from_json<model_deployment>(const boost::json::value& json);
template <>
REGOLO_EXPORT result<model_info_list> from_json<model_info_list>(const boost::json::value& json);
template <>
REGOLO_EXPORT result<model_group> from_json<model_group>(const boost::json::value& json);
template <>
REGOLO_EXPORT result<model_group_list> from_json<model_group_list>(const boost::json::value& json);
template <>
REGOLO_EXPORT result<supported_parameters> from_json<supported_parameters>(
    const boost::json::value& json);
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const model_details& value);
/// With `litellm_params`, under whichever name the parameters came.
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const model_deployment& value);
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const model_info_list& list);
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const model_group& value);
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const model_group_list& list);
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const supported_parameters& value);

}  // namespace regolo::inline v0
