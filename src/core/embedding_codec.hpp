#pragma once

#include "core/members.hpp"
#include "core/usage_codec.hpp"

#include <regolo/embedding.hpp>

#include <vector>

namespace regolo::core {

/// A vector, as a list of numbers or as base64 of its little-endian floats.
bool read_json(json_view json, const json_place& place, std::vector<float>& out);
boost::json::value write_json(const std::vector<float>& values, const write_context& context);

template <class Members>
void visit_members(const Members& members, like<embedding_request> auto& value)
{
    members("model", value.model);
    members.text_or_tokens("input", value.input);
    members("encoding_format", value.encoding_format);
    members("dimensions", value.dimensions);
    members("user", value.end_user);
}

template <class Members>
void visit_members(const Members& members, like<embedding> auto& value)
{
    members("object", value.object);
    members.position("index", value.index);
    members.required("embedding", value.values);
}

template <class Members>
void visit_members(const Members& members, like<embedding_response> auto& value)
{
    members("object", value.object);
    members("model", value.model);
    members.needed("data", value.data);
    members("usage", value.usage);
}

}  // namespace regolo::core
