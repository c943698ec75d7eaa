#pragma once

#include <regolo/testing/received_request.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace regolo::inline v0::testing {

/** Turns bytes into requests, without I/O.

    Usage: `push()` what has been read, then `take()` until it yields nothing; `has_failed()` says that the bytes are no HTTP.
*/
class request_reader
{
public:
    void push(std::string_view bytes);

    [[nodiscard]] std::optional<received_request> take();

    [[nodiscard]] bool has_failed() const noexcept { return state_ == state::failed; }

    /// Whether a part of a request has arrived.
    [[nodiscard]] bool is_inside_request() const noexcept;

private:
    enum class state
    {
        head,
        body,        // remaining_ bytes of it are missing
        chunk_size,  // the next line is the size of a chunk
        chunk,       // remaining_ bytes of the chunk are missing
        chunk_end,   // the empty line after a chunk
        trailer,     // lines up to an empty one
        failed,
    };

    bool advance();  // false when more bytes are needed or a request is complete
    bool read_head();
    bool read_counted(state next);
    bool read_line(std::string_view& line);
    void parse_head(std::string_view head);
    void choose_body();
    void on_chunk_size(std::string_view line);
    void complete();

    std::string buffer_;
    std::size_t at_ = 0;       // buffer_ is consumed up to here
    std::size_t scanned_ = 0;  // no line end of a head before here
    std::size_t remaining_ = 0;
    state state_ = state::head;
    received_request current_;
    bool is_complete_ = false;
};

}  // namespace regolo::inline v0::testing
