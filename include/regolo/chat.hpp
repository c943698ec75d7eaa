#pragma once

#include <regolo/answer_doubts.hpp>
#include <regolo/error.hpp>
#include <regolo/json.hpp>
#include <regolo/message.hpp>
#include <regolo/metadata.hpp>
#include <regolo/response_format.hpp>
#include <regolo/shared_string.hpp>
#include <regolo/tool.hpp>
#include <regolo/usage.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace regolo::inline v0 {

/// Which members of a message taken from an answer go out again besides content, tool calls and
/// `extra`. Servers differ in what they accept, so the default is the part all of them do.
struct echo_options
{
    bool reasoning = false;
    bool refusal = false;
    bool annotations = false;
};

/** A request to `/v1/chat/completions`.

    Only what is set is sent: an empty `std::optional`, vector, object or string means "not sent".
    `extra` may hold any further member, null included, and wins over a typed member of the same name.

    @par Example
    @code
    regolo::chat_request request("Llama-3.3-70B-Instruct");
    request.system("You are a guide.").user("Tell me something about Rome.");
    request.temperature = 0.7;
    request.extra["chat_template_kwargs"] = {{"enable_thinking", false}};
    @endcode
*/
class REGOLO_EXPORT chat_request
{
public:
    chat_request() = default;
    /// For that model; an empty name means `client_config::model`.
    explicit chat_request(std::string_view model_name);
    /// For that model, with one user message.
    chat_request(std::string_view model_name, std::string_view user_text);

    /// Append a message of that role. They return the request, so that calls chain.
    chat_request& system(std::string_view text) &;
    chat_request& developer(std::string_view text) &;
    chat_request& user(std::string_view text) &;
    chat_request& user(std::vector<content_part> parts) &;
    chat_request& assistant(std::string_view text) &;
    /// The result of a tool call, by the call's id.
    chat_request& tool_result(std::string_view tool_call_id, std::string_view text) &;
    /// Any message, such as one taken from an answer.
    chat_request& add(chat_message message) &;

    chat_request&& system(std::string_view text) && { return std::move(system(text)); }
    chat_request&& developer(std::string_view text) && { return std::move(developer(text)); }
    chat_request&& user(std::string_view text) && { return std::move(user(text)); }
    chat_request&& user(std::vector<content_part> parts) &&
    {
        return std::move(user(std::move(parts)));
    }
    chat_request&& assistant(std::string_view text) && { return std::move(assistant(text)); }
    chat_request&& tool_result(std::string_view tool_call_id, std::string_view text) &&
    {
        return std::move(tool_result(tool_call_id, text));
    }
    chat_request&& add(chat_message message) && { return std::move(add(std::move(message))); }

    std::string model;
    std::vector<chat_message> messages;
    echo_options echo;

    std::optional<double> temperature;  ///< usually 0 to 2
    std::optional<double> top_p;
    std::optional<std::int64_t> top_k;
    std::optional<double> min_p;
    std::optional<double> frequency_penalty;
    std::optional<double> presence_penalty;
    std::optional<double> repetition_penalty;
    boost::json::object logit_bias;  ///< token id (as text) to bias
    std::optional<std::int64_t> max_tokens;
    std::optional<std::int64_t> max_completion_tokens;
    std::optional<std::int64_t> n;  ///< number of choices
    std::optional<std::int64_t> seed;
    std::vector<std::string> stop;  ///< one is sent as a string, several as an array
    std::vector<std::int64_t> stop_token_ids;
    std::optional<bool> logprobs;
    std::optional<std::int64_t> top_logprobs;
    std::vector<tool> tools;
    std::optional<regolo::tool_choice> tool_choice;
    std::optional<bool> parallel_tool_calls;
    std::optional<regolo::response_format> response_format;
    std::optional<bool> thinking;
    std::string reasoning_effort;  ///< "low", "medium" or "high"
    boost::json::object chat_template_kwargs;
    std::optional<bool> skip_special_tokens;
    std::optional<bool> disable_fallbacks;  ///< true: never answer with another model
    std::string end_user;                   ///< sent as `user`
    boost::json::object metadata;
    std::string service_tier;
    /// `stream_options.include_usage`. Unset: sent as true when streaming.
    std::optional<bool> include_usage;
    /// Further members, as they go over the wire.
    boost::json::object extra;
};

/// One token with its log-probability.
struct token_logprob
{
    token_logprob() = default;

    std::string token;
    double logprob = 0;
    std::optional<std::vector<std::uint8_t>> bytes;
    std::vector<token_logprob> top_logprobs;
    boost::json::object extra;
};

/// Log-probabilities of a choice.
struct logprobs
{
    logprobs() = default;

    std::vector<token_logprob> content;
    std::vector<token_logprob> refusal;
    boost::json::object extra;
};

/// One of the answers of a response.
struct chat_choice
{
    chat_choice() = default;

    std::int64_t index = 0;
    chat_message message;
    std::string finish_reason;  ///< "stop", "length", "tool_calls", ...; empty when none came
    std::optional<regolo::logprobs> logprobs;
    boost::json::value stop_reason;  ///< what stopped vLLM: a token id, a string, or null
    boost::json::object extra;
};

/// A whole answer to a `chat_request`.
struct REGOLO_EXPORT chat_response
{
    chat_response() = default;

    std::string id;
    std::string object;
    std::int64_t created = 0;  ///< seconds since 1970
    std::string model;         ///< may differ from the one asked for
    std::vector<chat_choice> choices;
    std::optional<regolo::usage> usage;
    std::string system_fingerprint;
    std::string service_tier;
    boost::json::object extra;
    regolo::metadata metadata;

    /// The content of the first choice; empty when there is none. Never throws.
    [[nodiscard]] const std::string& text() const noexcept;
    /// The reasoning of the first choice; empty when there is none.
    [[nodiscard]] const std::string& reasoning() const noexcept;
    /// The finish reason of the first choice; empty when there is none.
    [[nodiscard]] const std::string& finish_reason() const noexcept;
    /// The tool calls of the first choice.
    [[nodiscard]] const std::vector<tool_call>& tool_calls() const noexcept;
    /// The message of the first choice, ready to be added to the next request; empty when there is none.
    [[nodiscard]] const chat_message& message() const noexcept;
    /// Whether the answer only looks whole. Another model is told where `metadata` knows the one asked for.
    [[nodiscard]] answer_doubts doubts() const noexcept;
};

/// A piece of a tool call in a chunk. Its parts belong to the call of the same `index`.
struct tool_call_delta
{
    tool_call_delta() = default;

    std::optional<std::int64_t> index;  ///< some servers send none
    std::string id;
    std::string type;
    std::string name;
    std::string arguments;               ///< a piece of JSON text
    boost::json::object function_extra;  ///< further members of the inner `function` object
    boost::json::object extra;
};

/// What a chunk adds to a choice.
struct chat_delta
{
    chat_delta() = default;

    std::string role;
    std::optional<std::string> content;
    std::optional<std::string> reasoning;
    std::optional<std::string> refusal;
    std::vector<tool_call_delta> tool_calls;
    std::optional<regolo::function_call> function_call;  ///< legacy; `arguments` is a piece
    boost::json::array annotations;
    boost::json::object extra;
};

/// A choice in a chunk.
struct chunk_choice
{
    chunk_choice() = default;

    std::int64_t index = 0;
    chat_delta delta;
    std::string finish_reason;  ///< empty until the choice ends
    std::optional<regolo::logprobs> logprobs;
    boost::json::value stop_reason;
    boost::json::object extra;
};

/// One event of a streamed answer.
struct REGOLO_EXPORT chat_chunk
{
    chat_chunk() = default;

    shared_string id;
    shared_string object;
    std::int64_t created = 0;
    shared_string model;
    std::vector<chunk_choice> choices;  ///< may be empty, as in a usage chunk
    std::optional<regolo::usage> usage;
    shared_string system_fingerprint;
    shared_string service_tier;
    boost::json::object extra;

    /// The text that this chunk adds to choice 0; empty when it adds none.
    [[nodiscard]] std::string_view text() const noexcept;
    /// The reasoning that this chunk adds to choice 0.
    [[nodiscard]] std::string_view reasoning() const noexcept;
    /// The finish reason of choice 0, if this chunk brings it.
    [[nodiscard]] std::string_view finish_reason() const noexcept;
};

template <>
REGOLO_EXPORT result<chat_request> from_json<chat_request>(const boost::json::value& json);
template <>
REGOLO_EXPORT result<chat_response> from_json<chat_response>(const boost::json::value& json);
template <>
REGOLO_EXPORT result<chat_chunk> from_json<chat_chunk>(const boost::json::value& json);

[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const chat_request& request);
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const chat_response& response);
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const chat_chunk& chunk);

}  // namespace regolo::inline v0
