#pragma once

#include <regolo/export.hpp>

namespace regolo::inline v0 {

/// How a stream ended.
enum class stream_end
{
    open,      ///< it has not ended
    done,      ///< the server's `[DONE]` arrived
    finished,  ///< a finish reason arrived and the body ended cleanly, without `[DONE]`
    failed,    ///< an error ended it; `next()` threw it
    closed,    ///< `close()`, a cancellation, or the client's end cut it short
};

}  // namespace regolo::inline v0
