#pragma once

#include "core/http_message.hpp"
#include "core/kept_failure.hpp"

#include <regolo/error.hpp>
#include <regolo/options.hpp>
#include <regolo/sse_parser.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace regolo::core {

/// Cuts a sequence of JSON objects and arrays apart, whatever stands between them.
class json_splitter
{
public:
    enum class outcome
    {
        incomplete,
        complete,
        too_large,
    };

    void start(std::size_t limit);

    /// Forgets that a value has begun; `value()` stays.
    void abandon() noexcept;

    /// Takes bytes off the front of `input`: all of them, or up to the end of a value.
    /// @par Preconditions  a value has begun, or `input` begins with one
    /// @throws std::bad_alloc  and nothing was taken
    outcome scan(std::string_view& input);

    /// The complete value. It lies in the input when it was in one piece.
    [[nodiscard]] std::string_view value() const noexcept { return value_; }
    /// A value has begun and is not complete.
    [[nodiscard]] bool is_open() const noexcept { return at_.depth > 0; }

private:
    /// What the bytes so far mean for the next one.
    struct position
    {
        std::size_t depth = 0;  // arrays and objects that are open
        bool in_string = false;
        bool escaped = false;  // the character after a backslash in a string

        [[nodiscard]] bool ends_at(char c) noexcept;
    };

    std::size_t limit_ = 0;
    position at_;
    std::string collected_;  // what earlier pieces had of it
    std::string_view value_;
};

/// What the body of a stream is made of.
struct body_item
{
    enum class kind
    {
        event,  // of an event stream
        value,  // a JSON object that stands there without a "data:", in one line or in several
        line,  // a line of an event stream that the standard ignores, without white space around it
    };

    kind what = kind::event;
    std::string_view name;  // of the event
    std::string_view data;  // or the line, or the value
    std::string_view id;
    bool cut = false;  // the body ended in it
};

enum class body_step
{
    need_more,
    item,
    end,
    failed,  // see take_failure()
};

/** Finds out what the body of a success really is, and takes it apart. No I/O.

    The first byte that is no white space decides, not the content type: `{` begins JSON (one answer, or
    one object after another), `<` is a page of HTML, anything else an event stream. Where JSON ends and
    something else goes on, an event stream begins, as some gateways mix them.
*/
class body_reader
{
public:
    explicit body_reader(const limits& bounds);

    void start(const response_head& head);
    /// Bytes are referred to until `pull` says `need_more`.
    void push(std::string_view bytes) noexcept;
    void end_of_body() noexcept { ended_ = true; }

    /// The views in `out` are valid until the next call.
    /// @throws std::bad_alloc  and can be called again with the same `out`
    body_step pull(body_item& out);

    /** The bytes from the beginning of an event on; empty where none begins here, or they are no event stream.
        The caller may take whole events of one line of data off them. */
    [[nodiscard]] std::string_view front() const noexcept
    {
        return mode_ == mode::events && !has_event_ && !splitter_.is_open() ? parser_.front()
                                                                            : std::string_view();
    }
    /// `pull` would need more, and an event is to begin.
    [[nodiscard]] bool is_drained() const noexcept
    {
        return mode_ == mode::events && !ended_ && !has_event_ && !splitter_.is_open() &&
               parser_.is_drained();
    }
    void skip(std::size_t n) noexcept { parser_.skip(n); }
    /// Why `pull` says failed, once.
    [[nodiscard]] kept_failure take_failure() noexcept { return std::move(failure_); }
    [[nodiscard]] const std::string& content_type() const noexcept { return content_type_; }
    /// The head announces JSON.
    [[nodiscard]] bool is_json() const noexcept { return is_json_; }
    [[nodiscard]] bool is_empty() const noexcept { return bytes_ == 0; }
    [[nodiscard]] std::size_t event_limit() const noexcept { return bounds_.event; }
    [[nodiscard]] std::uint64_t comments() const noexcept { return parser_.comments(); }

private:
    enum class mode
    {
        unknown,  // nothing but white space so far
        events,
        json,
    };

    [[nodiscard]] std::size_t find_first(std::size_t& mark_seen) const noexcept;
    body_step look();
    body_step pull_value(body_item& out);
    body_step pull_event(body_item& out);
    bool find_event(body_item& out);
    body_step take_line(body_item& out);
    body_step end_events(body_item& out);
    body_step fail_too_large();
    body_step fail(errc code, std::string text);
    [[nodiscard]] bool begins_value(char c) const noexcept;
    [[nodiscard]] std::size_t value_limit() const noexcept;

    limits bounds_;
    sse_parser parser_;
    json_splitter splitter_;
    mode mode_ = mode::unknown;
    std::string_view input_;     // not used in the mode `events`
    std::size_t mark_seen_ = 0;  // bytes of a byte order mark in front
    std::uint64_t bytes_ = 0;
    bool ended_ = false;
    bool is_json_ = false;
    bool in_page_ = false;    // lines of HTML between the events
    bool has_event_ = false;  // the parser has given one, and for lack of memory it was not taken
    std::string content_type_;
    kept_failure failure_;
};

}  // namespace regolo::core
