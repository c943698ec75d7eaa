#pragma once

#include "core/http_message.hpp"

#include <regolo/error.hpp>

namespace regolo::core {

/// Fails with `errc::unsupported_encoding` where the body is compressed, which no request of ours asks for.
result<void> check_encoding(const response_head& head);

}  // namespace regolo::core
