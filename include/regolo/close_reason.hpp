#pragma once

#include <regolo/export.hpp>

#include <string_view>

namespace regolo::inline v0 {

/// Why a connection was closed.
enum class close_reason
{
    finished,        ///< the server does not keep it open
    idle,            ///< unused for `pool_options::idle_limit`, or above `max_idle`
    aged,            ///< older than `pool_options::max_age`
    closed_by_peer,  ///< the server closed it while it was idle
    unusable,        ///< bytes were left over, or the answer was not read to its end
    cancelled,       ///< the call was cancelled, dropped or timed out
    failed,          ///< an error of the connection
    client_closed,   ///< `client::close`, `drain`, or the client's end
};

[[nodiscard]] REGOLO_EXPORT std::string_view to_string(close_reason reason) noexcept;

}  // namespace regolo::inline v0
