#include "core/response_format_codec.hpp"

namespace regolo::inline v0 {

REGOLO_DEFINE_JSON(response_format)

}  // namespace regolo::inline v0
