#include "core/text.hpp"
#include "core/utf8.hpp"

#include <regolo/sse_parser.hpp>

#include <boost/assert.hpp>

#include <algorithm>
#include <cstring>

namespace regolo::inline v0 {

namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
/// The first bytes of a line that tell its field: the longest name is five long, then the colon.
constexpr std::size_t telling_size = 6;
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
    next_lf_ = find(input_, '\n', 0);
    next_cr_ = find(input_, '\r', 0);
}

std::optional<sse_event> sse_parser::pull()
try
{
    clear_event();
    while (position_ != input_.size() && !failed_)
    {
        switch (take_next())
        {
            case outcome::event:
                return make_event(last_id_);
            case outcome::unknown:
                return make_unknown();
            case outcome::nothing:
                break;
        }
    }
    // the pushed bytes go away now
    if (has_data_)
    {
        data_.keep();
    }
    event_.keep();
    id_.keep();
    return std::nullopt;
}
catch (...)
{
    fail();  // a part of an event may be lost
    throw;
}

std::optional<sse_event> sse_parser::finish()
try
{
    BOOST_ASSERT(position_ == input_.size() || failed_);
    clear_event();
    if (state_ != line::fresh && end_line() == outcome::unknown)
    {
        return make_unknown();
    }
    if (!has_data_)
    {
        return std::nullopt;
    }
    dispatched_ = true;
    // no line is begun any more, so that its buffer is free
    return make_event(has_id_ ? decoded(id_.view(), line_) : std::string_view(last_id_));
}
catch (...)
{
    fail();
    throw;
}

void sse_parser::report_unknown_lines(bool on) noexcept { report_unknown_ = on; }

bool sse_parser::failed() const noexcept { return failed_; }

std::string_view sse_parser::last_event_id() const noexcept { return last_id_; }

std::optional<std::chrono::milliseconds> sse_parser::reconnection_time() const noexcept
{
    return reconnection_time_;
}

std::uint64_t sse_parser::comments() const noexcept { return comments_; }

void sse_parser::reset() noexcept
{
    input_ = {};
    position_ = next_lf_ = next_cr_ = 0;
    state_ = line::fresh;
    skip_lf_ = failed_ = has_id_ = false;
    bom_ = 0;
    dispatched_ = true;
    clear_event();
    id_.clear();
    last_id_.clear();
    reconnection_time_.reset();
    comments_ = 0;
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
    const std::string_view text = input_.substr(position_, line_end - position_);
    if (line_end == input_.size())
    {
        position_ = line_end;
        take_part(text);
        return outcome::nothing;
    }
    position_ = line_end + 1;
    skip_lf_ = input_[line_end] == '\r';
    if (state_ == line::fresh)
    {
        return take_line(text, true);
    }
    take_part(text);
    return end_line();
}

std::size_t sse_parser::find_line_end() noexcept
{
    // each search goes on where it stopped, so that no byte is searched twice for the same thing
    if (next_lf_ < position_)
    {
        next_lf_ = find(input_, '\n', position_);
    }
    if (next_cr_ < position_)
    {
        next_cr_ = find(input_, '\r', position_);
    }
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
                take_part(byte_order_mark.substr(0, bom_));
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
        ++comments_;
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
        unknown_ = text;
        return text.size() > max_event_size_ ? (fail(), outcome::nothing) : outcome::unknown;
    }
    return outcome::nothing;
}

sse_parser::outcome sse_parser::take_blank_line()
{
    if (has_id_)
    {
        last_id_.clear();
        core::append_valid_utf8(last_id_, id_.view());
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
    return outcome::event;
}

/// Takes bytes of a line whose end is not in them, or that began in an earlier piece.
void sse_parser::take_part(std::string_view text)
{
    if (state_ == line::fresh || state_ == line::prefix)
    {
        begin_line(text);
    }
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

/// Collects bytes until they tell the field, and takes them off `text`.
void sse_parser::begin_line(std::string_view& text)
{
    if (state_ == line::fresh)
    {
        line_.clear();
        state_ = line::prefix;
    }
    const std::size_t taken = std::min(text.size(), telling_size - line_.size());
    line_.append(text.substr(0, taken));
    text.remove_prefix(taken);
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
        state_ = line::data;
        begin_data();
        data_.append(value_after(line_, 4));
        return;
    }
    const bool known =
        line_.starts_with("event:") || line_.starts_with("id:") || line_.starts_with("retry:");
    state_ = known || report_unknown_ ? line::kept : line::ignored;
}

sse_parser::outcome sse_parser::end_line()
{
    const line ended = state_;
    state_ = line::fresh;
    if (failed_)
    {
        return outcome::nothing;
    }
    switch (ended)
    {
        case line::prefix:
        case line::kept:
            return take_line(line_, false);
        case line::comment:
            ++comments_;
            return outcome::nothing;
        default:
            return outcome::nothing;
    }
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
    reconnection_time_ = std::chrono::milliseconds(value);
}

/// Begins a data line whose value will be appended.
void sse_parser::begin_data()
{
    if (has_data_)
    {
        data_.append("\n");
    }
    else
    {
        data_.copy({});
        has_data_ = true;
    }
}

void sse_parser::add_data(std::string_view value, bool in_place)
{
    if (has_data_ || !in_place)
    {
        begin_data();
        data_.append(value);
    }
    else
    {
        data_.refer(value);
        has_data_ = true;
    }
    if (data_.view().size() > max_event_size_)
    {
        fail();
    }
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

sse_event sse_parser::make_event(std::string_view id)
{
    sse_event event;
    event.event = decoded(event_.view(), decoded_event_);
    event.data = decoded(data_.view(), decoded_data_);
    event.id = id;
    return event;
}

sse_event sse_parser::make_unknown()
{
    sse_event event;
    event.id = last_id_;
    event.unknown_line = decoded(unknown_, decoded_event_);
    return event;
}

}  // namespace regolo::inline v0
