#include "core/token_count_codec.hpp"

namespace regolo {

inline namespace v0 {

REGOLO_DEFINE_JSON(token_count_request)
REGOLO_DEFINE_JSON(token_count)

}  // namespace v0
}  // namespace regolo
