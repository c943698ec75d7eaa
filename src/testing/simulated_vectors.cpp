// Embeddings and rerankings.

#include "testing/simulated_answer.hpp"
#include "testing/simulated_endpoint.hpp"
#include "testing/simulated_request.hpp"
#include "testing/simulated_text.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <set>
#include <sstream>

namespace json = boost::json;

namespace regolo::inline v0::testing {

namespace {

constexpr std::size_t usual_dimensions = 8;
constexpr std::size_t most_dimensions = 4096;

/// A text per input: token ids count as the text of their numbers. Nothing for another shape.
std::optional<std::vector<std::string>> texts_of(const json::value* input)
{
    if (input == nullptr)
        return std::nullopt;
    if (input->is_string())
        return std::vector<std::string>{std::string(input->get_string())};
    if (!input->is_array() || input->get_array().empty())
        return std::nullopt;
    const auto& items = input->get_array();
    if (items.front().is_int64())
        return std::vector<std::string>{json::serialize(*input)};
    std::vector<std::string> texts;
    for (const auto& item : items)
    {
        if (!item.is_string() && !item.is_array())
            return std::nullopt;
        texts.push_back(item.is_string() ? std::string(item.get_string()) : json::serialize(item));
    }
    return texts;
}

/// Numbers that a float holds to the last bit, so that both encodings can be compared.
std::vector<float> vector_of(std::string_view text, std::size_t dimensions)
{
    std::vector<float> values;
    for (std::size_t i = 0; i != dimensions; ++i)
    {
        const auto step = static_cast<int>((hash(text, hash("v") + i) >> 20) % 2049) - 1024;
        values.push_back(static_cast<float>(step) / 1024);
    }
    return values;
}

json::value written(const std::vector<float>& values, bool as_base64)
{
    if (!as_base64)
        return json::array(values.begin(), values.end());
    std::string bytes;
    for (const float value : values)
    {
        std::uint32_t bits = 0;
        static_assert(sizeof bits == sizeof value);
        std::memcpy(&bits, &value, sizeof bits);
        for (int shift = 0; shift != 32; shift += 8)
            bytes += static_cast<char>(bits >> shift & 0xFF);
    }
    return json::string(base64(bytes));
}

std::set<std::string> words_of(std::string_view text)
{
    std::istringstream in(lower(text));
    std::set<std::string> words;
    for (std::string word; in >> word;)
        words.insert(word);
    return words;
}

/// What a document says: a text, or the fields of an object that count.
std::string text_of_document(const json::value& document, const json::object& request)
{
    if (!document.is_object())
        return document.is_string() ? std::string(document.get_string()) : std::string();
    const auto* fields = member(request, "rank_fields");
    const json::array names =
        fields != nullptr && fields->is_array() ? fields->get_array() : json::array{"text"};
    std::string text;
    for (const auto& name : names)
    {
        if (name.is_string())
            text.append(text_member(document.get_object(), name.get_string())).append(" ");
    }
    return text;
}

struct scored
{
    std::size_t index;
    double score;
};

/// By the share of the query's words that a document has, the best first.
std::vector<scored> ranked(const json::object& request, const json::array& documents)
{
    const auto query = words_of(text_member(request, "query"));
    std::vector<scored> all;
    for (std::size_t i = 0; i != documents.size(); ++i)
    {
        const auto words = words_of(text_of_document(documents[i], request));
        const auto common = std::count_if(query.begin(), query.end(), [&](const auto& word) {
            return words.find(word) != words.end();
        });
        all.push_back({i, double(common) / double(std::max<std::size_t>(query.size(), 1))});
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const scored& a, const scored& b) { return a.score > b.score; });
    all.resize(std::min(all.size(), number(request, "top_n", all.size())));
    return all;
}

}  // namespace

endpoint_answer answer_embeddings(const endpoint_call& call)
{
    const auto texts = texts_of(member(call.body, "input"));
    if (!texts)
        return bad_request_error("input must be a text or a list that is not empty", "input");
    const auto* format = member(call.body, "encoding_format");
    const auto encoding = text_member(call.body, "encoding_format");
    if (format != nullptr && encoding != "float" && encoding != "base64")
        return bad_request_error("encoding_format is float or base64", "encoding_format");
    const auto dimensions = number(call.body, "dimensions", usual_dimensions);
    if (dimensions == 0 || dimensions > most_dimensions)
        return bad_request_error("dimensions are 1 to 4096", "dimensions");
    json::array data;
    std::size_t tokens = 0;
    for (const auto& text : *texts)
    {
        tokens += token_text(text).size();
        data.push_back({{"object", "embedding"},
                        {"index", data.size()},
                        {"embedding", written(vector_of(text, dimensions), encoding == "base64")}});
    }
    return simulated_body{
        json::object{{"object", "list"},
                     {"model", text_member(call.body, "model")},
                     {"data", std::move(data)},
                     {"usage", json::object{{"prompt_tokens", tokens}, {"total_tokens", tokens}}}},
        tokens};
}

endpoint_answer answer_rerank(const endpoint_call& call)
{
    const auto* documents = member(call.body, "documents");
    if (text_member(call.body, "query").empty())
        return missing_field_error("body", "query");
    if (documents == nullptr || !documents->is_array())
        return missing_field_error("body", "documents");
    const auto& all = documents->get_array();
    const auto model = text_member(call.body, "model");
    const bool is_old = model.ends_with("-old");
    std::size_t tokens = token_text(text_member(call.body, "query")).size();
    json::array results;
    for (const auto& each : ranked(call.body, all))
    {
        const auto& document = all[each.index];
        tokens += token_text(text_of_document(document, call.body)).size();
        if (is_old)
        {
            results.push_back(
                {{"document", text_of_document(document, call.body)}, {"score", each.score}});
            continue;
        }
        json::object result{{"index", each.index}, {"relevance_score", each.score}};
        if (flag(call.body, "return_documents", true))
            result["document"] =
                document.is_object() ? document : json::value(json::object{{"text", document}});
        results.push_back(std::move(result));
    }
    if (is_old)
        return simulated_body{json::object{{"model", model},
                                           {"query", text_member(call.body, "query")},
                                           {"results", std::move(results)}},
                              tokens};
    return simulated_body{
        json::object{{"id", "rerank-" + hex(hash(json::serialize(call.body)))},
                     {"results", std::move(results)},
                     {"meta", json::object{{"billed_units", json::object{{"search_units", 1}}},
                                           {"tokens", json::object{{"input_tokens", tokens}}}}}},
        tokens};
}

}  // namespace regolo::inline v0::testing
