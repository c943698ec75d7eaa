#pragma once

#include <string_view>

namespace regolo::core {

/// The media type of a picture, told by its first bytes; empty for one that is not known.
std::string_view image_type(std::string_view bytes) noexcept;

}  // namespace regolo::core
