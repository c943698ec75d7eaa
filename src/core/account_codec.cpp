#include "core/account_codec.hpp"

namespace regolo {

inline namespace v0 {

REGOLO_DEFINE_JSON(key_info)
REGOLO_DEFINE_JSON(user_info)
REGOLO_DEFINE_JSON(activity)
REGOLO_DEFINE_JSON(spend_log)
REGOLO_DEFINE_JSON(spend_logs)

}  // namespace v0
}  // namespace regolo
