#include "core/model_codec.hpp"

namespace regolo {

inline namespace v0 {

REGOLO_DEFINE_JSON(model)
REGOLO_DEFINE_JSON(model_list)

}  // namespace v0
}  // namespace regolo
