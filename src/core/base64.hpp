#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace regolo::core {

/// RFC 4648, section 4, with padding.
std::string encode_base64(std::string_view bytes);

/// Either alphabet of RFC 4648, padding or none; white space between the characters is passed over. Nothing for what is
/// no base64.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace regolo::core
