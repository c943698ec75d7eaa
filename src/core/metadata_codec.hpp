#pragma once

#include "core/http_message.hpp"

#include <regolo/metadata.hpp>

namespace regolo::core {

/// Reads everything that the head of a response tells into `out`; leaves the other members as they are.
void read_head(response_head head, metadata& out);

}  // namespace regolo::core
