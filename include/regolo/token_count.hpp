#pragma once

#include <regolo/error.hpp>
#include <regolo/json.hpp>
#include <regolo/message.hpp>
#include <regolo/metadata.hpp>

#include <boost/json/object.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace regolo::inline v0 {

/** A request to `/utils/token_counter`, which counts the tokens of a prompt or of messages without running the model.

    What is empty is not sent. `extra` may hold any further member, null included, and wins over a typed member of the
    same name.
*/
class REGOLO_EXPORT token_count_request
{
public:
    token_count_request() = default;
    /// For that model (an empty name means `client_config::model`), with one text.
    token_count_request(std::string_view model_name, std::string_view text);
    token_count_request(std::string_view model_name, std::vector<chat_message> chat);

    std::string model;
    std::string prompt;
    std::vector<chat_message> messages;
    /// Further members, as they go over the wire.
    boost::json::object extra;
};

/// The answer to a `token_count_request`.
struct token_count
{
    token_count() = default;

    std::int64_t total_tokens = 0;
    std::string request_model;  ///< as asked for
    std::string model_used;     ///< the one behind that name
    std::string
        tokenizer_type;  ///< such as "openai_tokenizer", which may be an approximation for other models
    boost::json::object extra;
    regolo::metadata metadata;
};

template <>
REGOLO_EXPORT result<token_count_request> from_json<token_count_request>(
    const boost::json::value& json);
template <>
REGOLO_EXPORT result<token_count> from_json<token_count>(const boost::json::value& json);
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const token_count_request& request);
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const token_count& value);

}  // namespace regolo::inline v0
