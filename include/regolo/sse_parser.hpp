#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <regolo/error.hpp>

namespace regolo::inline v0 {

/// An event of a stream. The views are valid until the next call of a member of its parser.
struct sse_event {
    std::string_view event;        ///< the `event:` field; empty means "message"
    std::string_view data;         ///< the `data:` lines, joined by line feeds
    std::string_view id;           ///< the last event id seen so far
};

/** An incremental parser of server-sent events (HTML standard, section 9.2.6).

    Bytes may arrive cut anywhere. No byte is looked at twice, and the data of an event that lies in one
    piece is handed out where it is, without a copy. It does no I/O and never blocks.

    @code
    parser.push(bytes);                       // the bytes must live until pull() says nothing
    while (auto event = parser.pull()) use(event->data);
    if (parser.failed()) ...                  // an event above the limit
    @endcode

    Lines end in LF, CR or CRLF, one leading byte order mark is dropped, and an event without a data field
    is not delivered. Where the stream ends without the blank line that completes an event, the standard
    drops the event; `finish()` offers it, since servers are found that end this way.
*/
class REGOLO_EXPORT sse_parser {
public:
    /// With a limit in bytes for the data of one event, and as much again for a single field line.
    explicit sse_parser(std::size_t max_event_size = 64 * 1024 * 1024);

    /// Adds bytes. They are referred to, not copied, until `pull()` returns nothing.
    /// @par Preconditions  the last `pull()` returned nothing, or nothing was pushed yet
    void push(std::string_view bytes) noexcept;

    /// The next complete event, or nothing when more bytes are needed or the parser has failed.
    [[nodiscard]] std::optional<sse_event> pull();

    /// At the end of the input: the event that lacks its blank line, if its data field is there.
    [[nodiscard]] std::optional<sse_event> finish();

    /// An event was larger than allowed. The parser yields nothing more.
    [[nodiscard]] bool failed() const noexcept;

    /// The last `id:` seen, and the last valid `retry:`.
    [[nodiscard]] std::string_view last_event_id() const noexcept;
    [[nodiscard]] std::optional<std::chrono::milliseconds> reconnection_time() const noexcept;

    /// Comment lines seen so far. They are how servers keep a silent stream alive.
    [[nodiscard]] std::uint64_t comments() const noexcept;

    /// Forgets everything and starts a new stream with the same limit. Keeps its memory.
    void reset() noexcept;

private:
    // TO BE FILLED BY THE IMPLEMENTATION
};

}  // namespace regolo::inline v0
