#pragma once

#include <regolo/error.hpp>
#include <regolo/options.hpp>

#include <string_view>

namespace regolo::core {

/// Whether a success that was to bring bytes of some medium brings JSON, text or nothing instead.
bool is_no_media(std::string_view body, std::string_view media_type) noexcept;

/// What such an answer says: the API's error, or `errc::bad_response` with the server's words.
error_info decode_no_media(std::string_view body, const limits& bounds);

}  // namespace regolo::core
