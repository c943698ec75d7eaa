#include "core/usage_codec.hpp"

namespace regolo {

inline namespace v0 {

REGOLO_DEFINE_JSON(usage)

}  // namespace v0
}  // namespace regolo
