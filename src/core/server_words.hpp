#pragma once

#include "core/server_body.hpp"

#include <regolo/error.hpp>

#include <boost/json/value.hpp>

#include <string_view>

namespace regolo::core {

/// Fills the `server_` members from any JSON that an API, a gateway or a web framework sends as an
/// error. Members that it does not tell stay as they are.
void read_server_json(const boost::json::value& json, error_info& into);

}  // namespace regolo::core
