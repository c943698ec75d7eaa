#pragma once

#include <regolo/error.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace regolo {

namespace core {
class body_reader;
}

inline namespace v0 {

/// An event of a stream. The views are valid until the next call of a member of its parser.
struct sse_event
{
    std::string_view event;  ///< the `event:` field; empty means "message"
    std::string_view data;   ///< the `data:` lines, joined by line feeds
    std::string_view id;     ///< the last event id seen so far
    std::string_view
        unknown_line;  ///< see `sse_parser::report_unknown_lines`; the rest but `id` is empty then
};

/** An incremental parser of server-sent events (HTML standard, section 9.2.6).

    Bytes may arrive cut anywhere. Time is linear in their number, however they are cut, and the data of
    an event whose one data line lies in one piece is handed out where it is, without a copy. Bytes that
    are not UTF-8 become U+FFFD, as in a browser. It does no I/O and never blocks.

    @code
    parser.push(bytes);                       // the bytes must live until pull() says nothing
    while (auto event = parser.pull()) use(event->data);
    if (parser.failed()) ...                  // an event above the limit
    @endcode

    Lines end in LF, CR or CRLF, one leading byte order mark is dropped, and an event without a data field
    is not delivered. Where the stream ends without the blank line that completes an event, the standard
    drops the event; `finish()` offers it, since servers are found that end this way.

    Where memory runs out, `pull()` and `finish()` throw `std::bad_alloc` and nothing is lost: the parser is
    as it was, and the same call made again gives what it would have given.
*/
class REGOLO_EXPORT sse_parser
{
public:
    /// With a limit in bytes for the data of one event, and for each of its other fields. Comments and
    /// unknown fields have none, as they take no memory.
    explicit sse_parser(std::size_t max_event_size = std::size_t{64} * 1024 * 1024);

    /// Adds bytes. They are referred to, not copied, until `pull()` returns nothing.
    /// @par Preconditions  the last `pull()` returned nothing, or nothing was pushed yet
    void push(std::string_view bytes) noexcept;

    /// The next complete event, or nothing when more bytes are needed or the parser has failed.
    /// @throws std::bad_alloc  and can be called again
    [[nodiscard]] std::optional<sse_event> pull();

    /// At the end of the input: the event that lacks its blank line, if its data field is there. Its last
    /// line may be cut. Call it until it returns nothing; its id counts for it alone.
    /// @par Preconditions  the last `pull()` returned nothing
    /// @throws std::bad_alloc  and can be called again
    [[nodiscard]] std::optional<sse_event> finish();

    /** Whether `pull()` and `finish()` also hand out each line that the standard ignores: one with an
        unknown field, or with no field at all, such as an error that a gateway writes between events.

        They come as soon as the line is complete, also in the middle of an event, as an event that has
        `unknown_line` alone. The limit of a field holds for them. Off by default.
    */
    void report_unknown_lines(bool on) noexcept;

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
    friend class core::body_reader;

    /// The bytes from the beginning of an event on; empty where none begins here.
    [[nodiscard]] std::string_view front() const noexcept
    {
        return is_between_events() ? input_.substr(position_) : std::string_view();
    }
    /// Every byte has been taken, and none belongs to an event under way.
    [[nodiscard]] bool is_drained() const noexcept
    {
        return position_ == input_.size() && is_between_events();
    }
    /// Takes whole events off them.
    void skip(std::size_t n) noexcept
    {
        clear_event();
        position_ += n;
    }

    /// A field's value: it lies in the pushed bytes until they go away or it must grow.
    class value_text
    {
    public:
        [[nodiscard]] std::string_view view() const noexcept { return owned_ ? own_ : borrowed_; }
        void refer(std::string_view text) noexcept;
        void copy(std::string_view text);
        void append(std::string_view text);
        /// The same where it does not lie in the pushed bytes; tells its size then.
        std::size_t append_to_own(std::string_view text);
        void append_line(std::string_view text);
        void keep();
        void clear() noexcept;

    private:
        std::string_view borrowed_;
        std::string own_;
        bool owned_ = false;
    };

    /// What is known about the line that the pushed bytes broke off in.
    enum class line
    {
        fresh,   // nothing of it has arrived
        prefix,  // its first bytes are in line_, too few to tell the field
        data,    // the rest of it belongs to data_
        kept,    // collected in line_ until it is complete
        comment,
        ignored,
    };
    enum class outcome
    {
        nothing,
        found,  // what is to be handed out
    };
    /// What the parser tells of the stream besides its events.
    struct told
    {
        std::uint64_t comments = 0;
        std::optional<std::chrono::milliseconds> reconnection_time;
    };

    [[nodiscard]] bool is_between_events() const noexcept
    {
        const bool is_fresh = dispatched_ || (!has_data_ && event_.view().empty());
        return state_ == line::fresh && is_fresh && !skip_lf_ && !failed_ && !has_id_ && bom_ == 3;
    }
    bool take_plain_event();
    bool take_plain_part();
    outcome take_next();
    [[nodiscard]] std::size_t find_line_end() noexcept;
    void match_bom();
    outcome take_line(std::string_view text, bool in_place);
    outcome take_unknown(std::string_view text);
    outcome take_blank_line();
    [[nodiscard]] std::size_t begin_line(std::string_view text);
    void tell_field();
    void take_part(std::string_view text);
    outcome end_line();
    void set_field(value_text& field, std::string_view value, bool in_place);
    void set_retry(std::string_view digits) noexcept;
    void add_data(std::string_view value, bool in_place);
    void decode_event();
    void publish() noexcept;
    void fail() noexcept;
    void clear_event() noexcept;

    std::size_t max_event_size_;
    std::string_view input_;    // the pushed bytes
    std::size_t position_ = 0;  // up to here they are done
    bool searched_ = false;     // the next two are known
    std::size_t next_lf_ = 0;   // the first LF at or after position_, or the size of the input
    std::size_t next_cr_ = 0;   // the same for CR
    line state_ = line::fresh;
    bool skip_lf_ = false;   // the last line ended in CR: an LF now belongs to it
    unsigned char bom_ = 0;  // bytes of the byte order mark seen; 3 when that is settled
    bool has_data_ = false;
    bool has_id_ = false;
    bool has_new_id_ = false;
    bool dispatched_ = false;  // the event was handed out; its buffers are free at the next call
    bool failed_ = false;
    bool report_unknown_ = false;
    std::string line_;  // the line so far, where it is collected
    value_text data_;
    value_text event_;
    value_text id_;  // counts from the end of the event on
    std::string last_id_;
    std::string new_id_;        // where has_new_id_: becomes the last one when the call returns
    std::string decoded_data_;  // data with its invalid UTF-8 replaced
    std::string decoded_event_;
    sse_event found_;  // all of it but the id
    told seen_;
    told published_;  // what was seen when the last call returned
};

}  // namespace v0
}  // namespace regolo
