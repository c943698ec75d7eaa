#pragma once

#include <regolo/error.hpp>

#include <string_view>

namespace regolo::core {

/// What a server says of an error, as `read_server_json` finds it, in the body of a response: JSON, an event stream, an
/// HTML page or plain text.
void read_server_body(std::string_view body, error_info& into);

/// The first byte that is no white space is '<'.
bool looks_like_html(std::string_view body) noexcept;

}  // namespace regolo::core
