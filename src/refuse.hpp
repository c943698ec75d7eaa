#pragma once

#include "core/json_writer.hpp"

#include <regolo/error.hpp>

#include <string>
#include <utility>

namespace regolo::inline v0::detail {

/// Ends a request that cannot be sent as it is, with `errc::invalid_request`.
[[noreturn]] inline void refuse(std::string message)
{
    throw error(core::invalid_request(std::move(message)));
}

}  // namespace regolo::inline v0::detail
