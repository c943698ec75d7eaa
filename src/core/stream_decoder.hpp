#pragma once

#include <string_view>

#include <regolo/error.hpp>
#include <regolo/options.hpp>
#include <regolo/sse_parser.hpp>
#include <regolo/stream_end.hpp>

#include "core/chunk_decoder.hpp"
#include "core/http_message.hpp"

namespace regolo::core {

/// What `stream_decoder` has for its caller.
enum class stream_step {
    need_more,     ///< push more bytes, or say that there are none
    chunk,         ///< one was written
    ended,         ///< the answer is complete: see `ended_as()`
    failed,        ///< see `failure()`
};

/** Turns the body of a successful response into chunks and decides how the stream ended. No I/O.

    @code
    decoder.start(head);
    for (;;) {
        switch (decoder.pull(chunk)) {
        case need_more: decoder.push(bytes) or decoder.end_of_body(); break;
        ...
    @endcode

    Events with empty data and events named "ping" or "keepalive" are passed over. `[DONE]` ends the stream, whatever
    follows it. On a body that is not an event stream: `{` under a JSON content type is one whole answer, given as one
    chunk; `<` is an error that names the content type.
*/
template <class Chunk>
class stream_decoder {
public:
    explicit stream_decoder(const limits& bounds);

    /// Begins a new response; forgets the last one.
    void start(const response_head& head);

    /// Adds body bytes; they are referred to until `pull` asks for more.
    void push(std::string_view bytes) noexcept;

    /// The body is complete. After that `pull` gives what is left and then `ended` or `failed`.
    void end_of_body() noexcept;

    stream_step pull(Chunk& out);

    [[nodiscard]] stream_end ended_as() const noexcept;
    [[nodiscard]] const error_info& failure() const noexcept;
    /// An event (not a comment) has been seen, which ends the wait for the first.
    [[nodiscard]] bool seen_event() const noexcept;
    /// The last finish reason of choice 0, the last usage and the model: for metadata and observers.
    [[nodiscard]] const std::string& finish_reason() const noexcept;
    [[nodiscard]] const std::optional<usage>& last_usage() const noexcept;
    [[nodiscard]] const std::string& model() const noexcept;
};

}  // namespace regolo::core
