#pragma once

#include "core/members.hpp"
#include "core/usage_codec.hpp"

#include <regolo/rerank.hpp>

namespace regolo::core {

bool read_json(json_view json, const json_place& place, rerank_request::document& out);
boost::json::value write_json(const rerank_request::document& value, const write_context& context);

template <class Members>
void visit_members(const Members& members, like<rerank_request> auto& value)
{
    members("model", value.model);
    members("query", value.query);
    members("documents", value.documents);
    members("top_n", value.top_n);
    members("rank_fields", value.rank_fields);
    members("return_documents", value.return_documents);
    members("max_chunks_per_doc", value.max_chunks_per_doc);
}

template <class Members>
void visit_members(const Members& members, like<rerank_result> auto& value)
{
    members.position("index", value.index);
    members.required(members.either("relevance_score", "score"), value.score);
    members("document", value.document);
}

template <class Members>
void visit_members(const Members& members, like<rerank_response> auto& value)
{
    members("id", value.id);
    members("model", value.model);
    members.needed("results", value.results);
    members("meta", value.meta);
    members("usage", value.usage);
}

}  // namespace regolo::core
