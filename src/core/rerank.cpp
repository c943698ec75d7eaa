#include <regolo/rerank.hpp>

#include <utility>

namespace regolo::inline v0 {

rerank_request::rerank_request(std::string_view model_name, std::string_view query_text,
                               std::vector<std::string> texts)
    : model(model_name), query(query_text)
{
    documents.reserve(texts.size());
    for (auto& text : texts)
        documents.emplace_back(std::move(text));
}

std::string_view rerank_result::text() const noexcept
{
    const auto* found = &document;
    if (const auto* object = document.if_object())
        found = object->if_contains("text");
    if (found == nullptr || !found->is_string())
        return {};
    return found->get_string();
}

}  // namespace regolo::inline v0
