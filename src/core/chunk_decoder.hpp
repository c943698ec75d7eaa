#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <regolo/api_request.hpp>
#include <regolo/chat.hpp>
#include <regolo/completion.hpp>
#include <regolo/error.hpp>
#include <regolo/options.hpp>

namespace regolo::core {

/** Reads the data of stream events into chunks.

    Keeps what one event needs from those before it: a high surrogate that ended a delta, which belongs to the low
    one that opens the next delta of the same choice and field.
*/
template <class Chunk>
class chunk_decoder {
public:
    explicit chunk_decoder(const limits& bounds);

    /** Reads one event into `out`, replacing what it held and reusing its memory.
        Fails with the API's error where the event is an error frame (`error_info::server_message` and so on), else with
        `errc::bad_response`; texts never repeat the payload. */
    result<void> decode(std::string_view data, Chunk& out);

    /// Starts a new stream.
    void reset() noexcept;
};

}  // namespace regolo::core
