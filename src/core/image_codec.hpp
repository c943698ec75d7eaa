#pragma once

#include "core/members.hpp"
#include "core/usage_codec.hpp"

#include <regolo/image.hpp>

namespace regolo::core {

bool read_json(json_view json, const json_place& place, image& out);
boost::json::value write_json(const image& value, const write_context& context);

template <class Members>
void visit_members(const Members& members, like<image_request> auto& value)
{
    members("model", value.model);
    members("prompt", value.prompt);
    members("n", value.n);
    members("size", value.size);
    members("quality", value.quality);
    members("style", value.style);
    members("response_format", value.response_format);
    members("user", value.end_user);
}

template <class Members>
void visit_members(const Members& members, like<image_response> auto& value)
{
    members.seconds("created", value.created);
    members.needed("data", value.data);
    members("usage", value.usage);
}

}  // namespace regolo::core
