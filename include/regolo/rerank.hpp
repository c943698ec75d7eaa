#pragma once

#include <regolo/error.hpp>
#include <regolo/json.hpp>
#include <regolo/metadata.hpp>
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

/** A request to `/v1/rerank`: how well does each document answer the query?

    Only what is set is sent: an empty `std::optional`, string or list means "not sent". `extra` may hold any further
    member, null included, and wins over a typed member of the same name.

    @par Example
    @code
    regolo::rerank_request request("Qwen3-Reranker-4B", "capital of Italy", {"Paris", "Rome"});
    auto answer = co_await client.rerank(request);   // g++ 12 does not compile a list of lists beside co_await
    for (const auto& each : answer.results)
        std::cout << each.score << ' ' << each.text() << '\n';
    @endcode
*/
class REGOLO_EXPORT rerank_request
{
public:
    /// A text, or an object of which `rank_fields` tell what counts.
    using document = std::variant<std::string, boost::json::object>;

    rerank_request() = default;
    /// For that model (an empty name means `client_config::models.rerank`); for documents that are objects, set
    /// `documents` afterwards.
    rerank_request(std::string_view model_name, std::string_view query_text,
                   std::vector<std::string> texts = {});

    std::string model;
    std::string query;
    std::vector<document> documents;
    std::optional<std::int64_t> top_n;     ///< how many results; unset: one for each document
    std::vector<std::string> rank_fields;  ///< of the documents that are objects
    std::optional<bool> return_documents;  ///< whether the results hold the documents
    std::optional<std::int64_t> max_chunks_per_doc;
    /// Further members, as they go over the wire.
    boost::json::object extra;
};

/// One document of a request and how well it fits.
struct REGOLO_EXPORT rerank_result
{
    rerank_result() = default;

    std::optional<std::int64_t>
        index;                    ///< of the document in the request; older gateways send none
    double score = 0;             ///< the higher, the better; `relevance_score` or `score`
    boost::json::value document;  ///< as sent: a text or an object, null where there is none
    boost::json::object extra;

    /// The text of the document, which may be the `text` of an object; empty where there is none. Never throws.
    [[nodiscard]] std::string_view text() const noexcept;
};

/// The answer to a `rerank_request`. The results are in the order of the server: by score, the best first.
struct REGOLO_EXPORT rerank_response
{
    rerank_response() = default;

    std::string id;
    std::string model;
    std::vector<rerank_result> results;
    boost::json::object meta;            ///< such as what is billed
    std::optional<regolo::usage> usage;  ///< from servers that send it beside or instead of `meta`
    boost::json::object extra;
    regolo::metadata metadata;
};

template <>
REGOLO_EXPORT result<rerank_request> from_json<rerank_request>(const boost::json::value& json);
template <>
REGOLO_EXPORT result<rerank_result> from_json<rerank_result>(const boost::json::value& json);
template <>
REGOLO_EXPORT result<rerank_response> from_json<rerank_response>(const boost::json::value& json);
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const rerank_request& request);
/// Always with `relevance_score`, also where the answer had `score`; the document as it was sent.
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const rerank_result& value);
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const rerank_response& response);

}  // namespace regolo::inline v0
