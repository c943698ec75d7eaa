#include "core/text.hpp"
#include "core/text_word.hpp"
#include "core/utf8.hpp"

#include <regolo/sse_parser.hpp>

#include <boost/assert.hpp>

#include <algorithm>
#include <cstring>

namespace regolo::inline v0 {

namespace {

using core::byte_order_mark;

/// The first bytes of a line that tell its field: the longest name is five long, then the colon.
constexpr std::size_t telling_size = 6;
/// Of a piece that is searched for both kinds of line ends at once.
constexpr std::size_t short_size = 32;
/// What a field line may hold besides its value: name, colon and space.
constexpr std::size_t field_overhead = 7;

std::size_t find(std::string_view in, char wanted, std::size_t from) noexcept
{
    if (from == in.size())
    {
        return from;
    }
    const void* found = std::memchr(in.data() + from, wanted, in.size() - from);
    return found == nullptr ? in.size()
                            : static_cast<std::size_t>(static_cast<const char*>(found) - in.data());
}

/// Whether a line may end in it. For a short text, where that is quicker than to search for one character after the other.
bool may_have_line_end(std::string_view text) noexcept
{
    // One comparison is less than two. Hardly anything else is below it, and takes the slow way for nothing.
    constexpr unsigned char bound = '\r' + 1;
    return core::find_first(
               text, 0, [](const core::text_word& next) { return next.less_than(bound); },
               [](char c) { return static_cast<unsigned char>(c) < bound; }) != text.size();
}

/// What follows the colon, without the one space that belongs to it.
std::string_view value_after(std::string_view line, std::size_t colon) noexcept
{
    line.remove_prefix(std::min(colon + 1, line.size()));
    if (line.starts_with(' '))
    {
        line.remove_prefix(1);
    }
    return line;
}

std::string_view decoded(std::string_view text, std::string& buffer)
{
    if (core::valid_utf8_prefix(text) == text.size())
    {
        return text;
    }
    buffer.clear();
    core::append_valid_utf8(buffer, text);
    return buffer;
}

}  // namespace

void sse_parser::value_text::refer(std::string_view text) noexcept
{
    borrowed_ = text;
    owned_ = false;
}

void sse_parser::value_text::copy(std::string_view text)
{
    own_.assign(text);
    owned_ = true;
}

void sse_parser::value_text::append(std::string_view text)
{
    keep();
    own_.append(text);
}

std::size_t sse_parser::value_text::append_to_own(std::string_view text)
{
    BOOST_ASSERT(owned_);
    own_.append(text);
    return own_.size();
}

/// All of it or, where that throws, nothing.
void sse_parser::value_text::append_line(std::string_view text)
{
    keep();
    const std::size_t size = own_.size();
    own_.append(text.size() + 1, '\n');
    text.copy(own_.data() + size + 1, text.size());
}

void sse_parser::value_text::keep()
{
    if (!owned_)
    {
        copy(borrowed_);
    }
}

void sse_parser::value_text::clear() noexcept { refer({}); }

sse_parser::sse_parser(std::size_t max_event_size) : max_event_size_(max_event_size) {}

void sse_parser::push(std::string_view bytes) noexcept
{
    BOOST_ASSERT(position_ == input_.size() || failed_);
    input_ = bytes;
    position_ = 0;
    searched_ = false;
}

// Where memory runs out, all that was taken so far stays taken, and a later call goes on from there: a line counts as
// taken when nothing can fail any more, and what the parser tells is published when the call returns.

std::optional<sse_event> sse_parser::pull()
{
    if (take_plain_part())
    {
        return std::nullopt;
    }
    clear_event();
    if (take_plain_event())
    {
        return found_;
    }
    while (position_ != input_.size() && !failed_)
    {
        if (take_next() == outcome::found)
        {
            publish();
            found_.id = last_id_;
            return found_;
        }
    }
    if (!failed_)
    {
        // the pushed bytes go away now
        if (has_data_)
        {
            data_.keep();
        }
        event_.keep();
        id_.keep();
    }
    publish();
    return std::nullopt;
}

std::optional<sse_event> sse_parser::finish()
{
    BOOST_ASSERT(position_ == input_.size() || failed_);
    clear_event();
    if (state_ != line::fresh && end_line() == outcome::found)
    {
        publish();
        found_.id = last_id_;
        return found_;
    }
    if (!has_data_)
    {
        publish();
        return std::nullopt;
    }
    decode_event();
    // no line is begun any more, so that its buffer is free
    found_.id = has_id_ ? decoded(id_.view(), line_) : std::string_view(last_id_);
    dispatched_ = true;
    publish();
    return found_;
}

void sse_parser::report_unknown_lines(bool on) noexcept { report_unknown_ = on; }

bool sse_parser::failed() const noexcept { return failed_; }

std::string_view sse_parser::last_event_id() const noexcept { return last_id_; }

std::optional<std::chrono::milliseconds> sse_parser::reconnection_time() const noexcept
{
    return published_.reconnection_time;
}

std::uint64_t sse_parser::comments() const noexcept { return published_.comments; }

void sse_parser::reset() noexcept
{
    input_ = {};
    position_ = next_lf_ = next_cr_ = 0;
    searched_ = false;
    state_ = line::fresh;
    skip_lf_ = failed_ = has_id_ = has_new_id_ = false;
    bom_ = 0;
    dispatched_ = true;
    clear_event();
    id_.clear();
    last_id_.clear();
    seen_ = published_ = told();
}

/// Takes an event of one line of data and a blank one that lie before us as a whole, as nearly all do. What the other functions do
/// with it in many steps is done in one.
bool sse_parser::take_plain_event()
{
    if (!is_between_events() || !input_.substr(position_).starts_with("data:"))
    {
        return false;
    }
    const std::size_t line_end = find_line_end();
    if (line_end + 1 >= input_.size() || line_end == next_cr_ || input_[line_end + 1] != '\n')
    {
        return false;
    }
    const std::string_view data = value_after(input_.substr(position_, line_end - position_), 4);
    if (data.size() > max_event_size_)
    {
        return false;
    }
    found_ = sse_event();
    found_.data = decoded(data, decoded_data_);
    found_.id = last_id_;
    dispatched_ = true;
    position_ = line_end + 2;
    return true;
}

/// The same for a few bytes that all belong to a line of data that began in an earlier piece, where there is an event under way.
bool sse_parser::take_plain_part()
{
    const bool may_be_one = state_ == line::data && position_ == 0 && !input_.empty() &&
                            input_.size() <= short_size && !failed_;
    if (!may_be_one || may_have_line_end(input_))
    {
        return false;
    }
    const std::size_t size = data_.append_to_own(input_);
    position_ = input_.size();
    if (size > max_event_size_)
    {
        fail();
    }
    return true;
}

/// Takes a line, or what there is of one, off the input.
sse_parser::outcome sse_parser::take_next()
{
    if (skip_lf_)
    {
        skip_lf_ = false;
        if (input_[position_] == '\n')
        {
            ++position_;
            return outcome::nothing;
        }
    }
    if (bom_ < byte_order_mark.size())
    {
        match_bom();
        return outcome::nothing;
    }
    const std::size_t line_end = find_line_end();
    const bool is_complete = line_end != input_.size();
    const std::string_view rest = input_.substr(position_, line_end - position_);
    outcome taken = outcome::nothing;
    if (is_complete && state_ == line::fresh)
    {
        taken = take_line(rest, true);
    }
    else if (state_ == line::fresh && rest.size() >= telling_size && rest.starts_with("data:"))
    {
        add_data(value_after(rest, 4), false);
        state_ = line::data;
        position_ = line_end;
        return outcome::nothing;
    }
    else
    {
        if (state_ == line::fresh || state_ == line::prefix)
        {
            position_ += begin_line(rest);
            tell_field();
        }
        take_part(input_.substr(position_, line_end - position_));
        position_ = line_end;
        if (!is_complete)
        {
            return outcome::nothing;
        }
        taken = end_line();
    }
    position_ = line_end + 1;
    skip_lf_ = input_[line_end] == '\r';
    return taken;
}

std::size_t sse_parser::find_line_end() noexcept
{
    // each search goes on where it stopped, so that no byte is searched twice for the same thing
    if (!searched_ || next_lf_ < position_)
    {
        next_lf_ = find(input_, '\n', position_);
    }
    if (!searched_ || next_cr_ < position_)
    {
        next_cr_ = find(input_, '\r', position_);
    }
    searched_ = true;
    return std::min(next_lf_, next_cr_);
}

/// Drops the mark at the start of the stream. What turns out to be none begins the first line.
void sse_parser::match_bom()
{
    while (bom_ < byte_order_mark.size() && position_ != input_.size())
    {
        if (input_[position_] != byte_order_mark[bom_])
        {
            if (bom_ > 0)
            {
                static_cast<void>(begin_line(byte_order_mark.substr(0, bom_)));
            }
            bom_ = byte_order_mark.size();
            return;
        }
        ++bom_;
        ++position_;
    }
}

sse_parser::outcome sse_parser::take_line(std::string_view text, bool in_place)
{
    if (text.starts_with("data:"))
    {
        add_data(value_after(text, 4), in_place);
        return outcome::nothing;
    }
    if (text.empty())
    {
        return take_blank_line();
    }
    if (text[0] == ':')
    {
        ++seen_.comments;
        return outcome::nothing;
    }
    const std::size_t colon = text.substr(0, telling_size).find(':');
    const std::string_view name = text.substr(0, colon);
    const std::string_view value =
        colon == std::string_view::npos ? std::string_view() : value_after(text, colon);
    if (name == "data")
    {
        add_data(value, in_place);
    }
    else if (name == "event")
    {
        set_field(event_, value, in_place);
    }
    else if (name == "id")
    {
        // the standard ignores an id with NUL, the limit does not
        if (value.find('\0') == std::string_view::npos || value.size() > max_event_size_)
        {
            set_field(id_, value, in_place);
            has_id_ = true;
        }
    }
    else if (name == "retry")
    {
        set_retry(value);
    }
    else if (report_unknown_)
    {
        return take_unknown(text);
    }
    return outcome::nothing;
}

sse_parser::outcome sse_parser::take_unknown(std::string_view text)
{
    if (text.size() > max_event_size_)
    {
        fail();
        return outcome::nothing;
    }
    found_ = sse_event();
    found_.unknown_line = decoded(text, decoded_event_);
    return outcome::found;
}

sse_parser::outcome sse_parser::take_blank_line()
{
    if (has_id_)
    {
        new_id_.assign(decoded(id_.view(), decoded_event_));
    }
    if (has_data_)
    {
        decode_event();
    }
    if (has_id_)
    {
        has_new_id_ = true;
        id_.clear();
        has_id_ = false;
    }
    dispatched_ = true;
    if (!has_data_)
    {
        // the standard drops an event without data, and its name with it
        clear_event();
        return outcome::nothing;
    }
    return outcome::found;
}

/// Collects the bytes that tell the field of a line whose end is not there yet, or that began in an earlier piece.
/// @returns  how many of them were taken
std::size_t sse_parser::begin_line(std::string_view text)
{
    if (state_ == line::fresh)
    {
        line_.clear();
    }
    const std::size_t taken = std::min(text.size(), telling_size - line_.size());
    line_.append(text.substr(0, taken));
    state_ = line::prefix;
    return taken;
}

/// Looks whether the bytes that were collected tell the field.
void sse_parser::tell_field()
{
    if (line_.starts_with(':'))
    {
        state_ = line::comment;
        return;
    }
    if (line_.size() < telling_size)
    {
        return;
    }
    if (line_.starts_with("data:"))
    {
        const std::string_view value = value_after(line_, 4);
        has_data_ ? data_.append_line(value) : data_.copy(value);
        has_data_ = true;
        state_ = line::data;
        return;
    }
    const bool known =
        line_.starts_with("event:") || line_.starts_with("id:") || line_.starts_with("retry:");
    state_ = known || report_unknown_ ? line::kept : line::ignored;
}

/// Takes more bytes of a line whose field is known.
void sse_parser::take_part(std::string_view text)
{
    if (state_ == line::data)
    {
        data_.append(text);
        if (data_.view().size() > max_event_size_)
        {
            fail();
        }
    }
    else if (state_ == line::kept)
    {
        line_.append(text);
        if (line_.size() > field_overhead && line_.size() - field_overhead > max_event_size_)
        {
            fail();
        }
    }
}

sse_parser::outcome sse_parser::end_line()
{
    outcome taken = outcome::nothing;
    if (!failed_)
    {
        if (state_ == line::prefix || state_ == line::kept)
        {
            taken = take_line(line_, false);
        }
        else if (state_ == line::comment)
        {
            ++seen_.comments;
        }
    }
    state_ = line::fresh;
    return taken;
}

void sse_parser::set_field(value_text& field, std::string_view value, bool in_place)
{
    if (value.size() > max_event_size_)
    {
        fail();
        return;
    }
    in_place ? field.refer(value) : field.copy(value);
}

void sse_parser::set_retry(std::string_view digits) noexcept
{
    if (digits.size() > max_event_size_)
    {
        fail();
        return;
    }
    if (digits.empty() || !std::all_of(digits.begin(), digits.end(), core::is_digit))
    {
        return;
    }
    // far above any sense, and still safe to calculate with
    constexpr std::int64_t highest = std::int64_t{1} << 53;
    std::int64_t value = 0;
    for (const char digit : digits)
    {
        value = std::min(highest, value * 10 + (digit - '0'));
    }
    seen_.reconnection_time = std::chrono::milliseconds(value);
}

void sse_parser::add_data(std::string_view value, bool in_place)
{
    if (has_data_)
    {
        data_.append_line(value);
    }
    else
    {
        in_place ? data_.refer(value) : data_.copy(value);
    }
    has_data_ = true;
    if (data_.view().size() > max_event_size_)
    {
        fail();
    }
}

void sse_parser::decode_event()
{
    found_ = sse_event();
    found_.event = decoded(event_.view(), decoded_event_);
    found_.data = decoded(data_.view(), decoded_data_);
}

/// What is told of the stream changes when a call returns, and not where it throws.
void sse_parser::publish() noexcept
{
    if (has_new_id_)
    {
        last_id_.swap(new_id_);
        has_new_id_ = false;
    }
    published_ = seen_;
}

void sse_parser::fail() noexcept
{
    failed_ = true;
    dispatched_ = true;
    clear_event();
    // what was collected is of no use any more, and may be large
    data_ = value_text();
    line_ = std::string();
}

void sse_parser::clear_event() noexcept
{
    if (dispatched_)
    {
        dispatched_ = false;
        has_data_ = false;
        data_.clear();
        event_.clear();
    }
}

}  // namespace regolo::inline v0
