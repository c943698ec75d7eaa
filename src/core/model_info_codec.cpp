#include "core/model_info_codec.hpp"

namespace regolo {

inline namespace v0 {

REGOLO_DEFINE_JSON(model_details)
REGOLO_DEFINE_JSON(model_deployment)
REGOLO_DEFINE_JSON(model_info_list)
REGOLO_DEFINE_JSON(model_group)
REGOLO_DEFINE_JSON(model_group_list)
REGOLO_DEFINE_JSON(supported_parameters)

}  // namespace v0
}  // namespace regolo
