#pragma once

#include <regolo/error.hpp>

#include <boost/json/value.hpp>

#include <string_view>

namespace regolo::core {

/// Fills the `server_` members from any JSON that an API, a gateway or a web framework sends as an
/// error. Members that it does not tell stay as they are.
void read_server_json(const boost::json::value& json, error_info& into);

/// The same for the body of a response: JSON, an event stream, an HTML page or plain text.
void read_server_body(std::string_view body, error_info& into);

/// The first byte that is no white space is '<'.
bool looks_like_html(std::string_view body) noexcept;

}  // namespace regolo::core
