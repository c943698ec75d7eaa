#pragma once

#include <regolo/answer_doubts.hpp>
#include <regolo/error.hpp>
#include <regolo/json.hpp>
#include <regolo/metadata.hpp>
#include <regolo/shared_string.hpp>
#include <regolo/usage.hpp>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace regolo::inline v0 {

/** A request to `/v1/completions`. Only what is set is sent; see `chat_request`.

    @par Example
    @code
    regolo::completion_request request("base-model", "Once upon a time");
    request.max_tokens = 64;
    @endcode
*/
class REGOLO_EXPORT completion_request
{
public:
    /// Text, several texts, token ids, or several lists of token ids.
    using prompt_type =
        std::variant<std::string, std::vector<std::string>, std::vector<std::int64_t>,
                     std::vector<std::vector<std::int64_t>>>;

    completion_request() = default;
    explicit completion_request(std::string_view model_name);
    completion_request(std::string_view model_name, std::string_view prompt_text);

    std::string model;
    prompt_type prompt;
    std::string suffix;
    std::optional<std::int64_t> max_tokens;
    std::optional<double> temperature;
    std::optional<double> top_p;
    std::optional<std::int64_t> top_k;
    std::optional<double> min_p;
    std::optional<double> frequency_penalty;
    std::optional<double> presence_penalty;
    std::optional<double> repetition_penalty;
    boost::json::object logit_bias;
    std::optional<std::int64_t> n;
    std::optional<std::int64_t> best_of;
    std::optional<std::int64_t> seed;
    std::optional<std::int64_t> logprobs;  ///< number of alternatives per token
    std::optional<bool> echo;              ///< the answer begins with the prompt
    std::vector<std::string> stop;
    std::vector<std::int64_t> stop_token_ids;
    std::optional<bool> skip_special_tokens;
    std::optional<bool> disable_fallbacks;
    std::string end_user;               ///< sent as `user`
    std::optional<bool> include_usage;  ///< as in `chat_request`
    boost::json::object extra;
};

struct completion_choice
{
    completion_choice() = default;

    std::int64_t index = 0;
    std::string text;
    std::string finish_reason;
    boost::json::value logprobs;  ///< as sent: servers use two shapes
    boost::json::value stop_reason;
    boost::json::object extra;
};

/// A whole answer to a `completion_request`.
struct REGOLO_EXPORT completion_response
{
    completion_response() = default;

    std::string id;
    std::string object;
    std::int64_t created = 0;
    std::string model;
    std::vector<completion_choice> choices;
    std::optional<regolo::usage> usage;
    std::string system_fingerprint;
    boost::json::object extra;
    regolo::metadata metadata;

    /// The text of the first choice; empty when there is none.
    [[nodiscard]] const std::string& text() const noexcept;
    [[nodiscard]] const std::string& finish_reason() const noexcept;
    /// As `chat_response::doubts`.
    [[nodiscard]] answer_doubts doubts() const noexcept;
};

/// One event of a streamed completion: the same members, `text` being what it adds.
struct REGOLO_EXPORT completion_chunk
{
    completion_chunk() = default;

    shared_string id;
    shared_string object;
    std::int64_t created = 0;
    shared_string model;
    std::vector<completion_choice> choices;
    std::optional<regolo::usage> usage;
    shared_string system_fingerprint;
    boost::json::object extra;

    /// The text that this chunk adds to choice 0; empty when it adds none.
    [[nodiscard]] std::string_view text() const noexcept;
    [[nodiscard]] std::string_view finish_reason() const noexcept;
};

template <>
REGOLO_EXPORT result<completion_request> from_json<completion_request>(
    const boost::json::value& json);
template <>
REGOLO_EXPORT result<completion_response> from_json<completion_response>(
    const boost::json::value& json);
template <>
REGOLO_EXPORT result<completion_chunk> from_json<completion_chunk>(const boost::json::value& json);

[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const completion_request& request);
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const completion_response& response);
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const completion_chunk& chunk);

}  // namespace regolo::inline v0
