#pragma once

#include <regolo/error.hpp>
#include <regolo/json.hpp>
#include <regolo/metadata.hpp>
#include <regolo/usage.hpp>

#include <boost/json/object.hpp>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace regolo::inline v0 {

/** A request to `/v1/embeddings`.

    Only what is set is sent: an empty `std::optional` or string means "not sent". `extra` may hold any further
    member, null included, and wins over a typed member of the same name.

    @par Example
    @code
    auto answer = co_await client.embed({"Qwen3-Embedding-8B", "Tell me something about Rome."});
    const std::vector<float>& vector = answer.values();
    @endcode
*/
class REGOLO_EXPORT embedding_request
{
public:
    /// One text, several texts, one list of token ids, or several.
    using input_type =
        std::variant<std::string, std::vector<std::string>, std::vector<std::int64_t>,
                     std::vector<std::vector<std::int64_t>>>;

    embedding_request() = default;
    /// For that model (an empty name means `client_config::models.embedding`), with one text.
    embedding_request(std::string_view model_name, std::string_view text);
    embedding_request(std::string_view model_name, std::vector<std::string> texts);
    /// `embedding_request request("Qwen3-Embedding-8B", {"Rome", "Milan"});`, in a statement of its own: g++ 12 says "array
    /// used as initializer" of a list that stands beside `co_await`.
    embedding_request(std::string_view model_name, std::initializer_list<std::string_view> texts);

    std::string model;
    input_type input;
    /// "float" or "base64", which is shorter on the wire; both are decoded to the same numbers. Empty: the server's choice.
    std::string encoding_format;
    std::optional<std::int64_t> dimensions;  ///< of the vectors, for models that can shorten them
    std::string end_user;                    ///< sent as `user`
    /// Further members, as they go over the wire.
    boost::json::object extra;
};

/// The vector of one input.
struct embedding
{
    embedding() = default;

    std::int64_t index = 0;  ///< of the input
    std::string object;
    std::vector<float> values;
    boost::json::object extra;
};

/// The answer to an `embedding_request`.
struct REGOLO_EXPORT embedding_response
{
    embedding_response() = default;

    std::string object;
    std::string model;  ///< may differ from the one asked for
    std::vector<embedding> data;
    std::optional<regolo::usage> usage;
    boost::json::object extra;
    regolo::metadata metadata;

    /// The vector of the input with that index; empty when there is none. Never throws.
    [[nodiscard]] const std::vector<float>& values(std::size_t index = 0) const noexcept;
};

template <>
REGOLO_EXPORT result<embedding_request> from_json<embedding_request>(
    const boost::json::value& json);
template <>
REGOLO_EXPORT result<embedding> from_json<embedding>(const boost::json::value& json);
template <>
REGOLO_EXPORT result<embedding_response> from_json<embedding_response>(
    const boost::json::value& json);
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const embedding_request& request);
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const embedding& value);
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const embedding_response& response);

}  // namespace regolo::inline v0
