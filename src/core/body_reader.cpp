#include "core/body_reader.hpp"

#include "core/text.hpp"
#include "core/utf8.hpp"

#include <utility>

namespace regolo::core {

namespace {

constexpr std::string_view white_space = " \t\r\n";

}  // namespace

void json_splitter::start(std::size_t limit)
{
    limit_ = limit;
    abandon();
    collected_.clear();
    value_ = {};
}

void json_splitter::abandon() noexcept { at_ = position(); }

json_splitter::outcome json_splitter::scan(std::string_view& input)
{
    if (!is_open())
    {
        collected_.clear();
    }
    position now = at_;
    std::size_t size = 0;
    bool complete = false;
    while (size < input.size() && !complete)
    {
        complete = now.ends_at(input[size++]);
    }
    if (collected_.size() + size > limit_)
    {
        return outcome::too_large;
    }
    value_ = input.substr(0, size);
    if (!complete || !collected_.empty())
    {
        collected_ += value_;
        value_ = collected_;
    }
    at_ = now;
    input.remove_prefix(size);
    return complete ? outcome::complete : outcome::incomplete;
}

/// Whether the value ends with this character.
bool json_splitter::position::ends_at(char c) noexcept
{
    if (in_string)
    {
        in_string = escaped || c != '"';
        escaped = !escaped && c == '\\';
        return false;
    }
    switch (c)
    {
        case '"':
            in_string = true;
            return false;
        case '{':
        case '[':
            ++depth;
            return false;
        case '}':
        case ']':
            return --depth == 0;
        default:
            return false;
    }
}

body_reader::body_reader(const limits& bounds) : bounds_(bounds), parser_(bounds.event)
{
    parser_.report_unknown_lines(true);
}

void body_reader::start(const response_head& head)
{
    constexpr std::size_t shown = 100;
    const auto type = find_header(head.headers, "content-type");
    const bool is_json = type && is_json_type(media_type(*type));
    content_type_ = type ? printable(*type, shown) : std::string();
    is_json_ = is_json;
    parser_.reset();
    mode_ = mode::unknown;
    input_ = {};
    bytes_ = mark_seen_ = 0;
    ended_ = in_page_ = false;
    splitter_.start(value_limit());
    has_event_ = false;
    failure_.reset();
}

void body_reader::push(std::string_view bytes) noexcept
{
    bytes_ += bytes.size();
    if (mode_ == mode::events)
    {
        parser_.push(bytes);
    }
    else
    {
        input_ = bytes;
    }
}

body_step body_reader::pull(body_item& out)
{
    if (mode_ == mode::unknown)
    {
        const body_step found = look();
        if (found != body_step::item)
        {
            return found;
        }
    }
    if (mode_ == mode::json)
    {
        const body_step found = pull_value(out);
        if (mode_ == mode::json)
        {
            return found;
        }
    }
    return pull_event(out);
}

/// Where the first byte lies that tells what the body is; the size of the input if it is not there.
/// @param mark_seen  bytes of a byte order mark in front of the input, and then of both
std::size_t body_reader::find_first(std::size_t& mark_seen) const noexcept
{
    std::size_t at = 0;
    for (; at < input_.size(); ++at)
    {
        const char c = input_[at];
        if (mark_seen < byte_order_mark.size() && c == byte_order_mark[mark_seen])
        {
            ++mark_seen;
            continue;
        }
        const bool in_mark = mark_seen > 0 && mark_seen < byte_order_mark.size();
        if (in_mark || white_space.find(c) == std::string_view::npos)
        {
            break;
        }
        mark_seen = byte_order_mark.size();  // it stands at the very beginning or not at all
    }
    return at;
}

/// Decides the mode; `item` when it is decided.
body_step body_reader::look()
{
    std::size_t mark_seen = mark_seen_;
    const std::size_t first = find_first(mark_seen);
    if (first == input_.size())
    {
        mark_seen_ = mark_seen;
        if (!input_.empty())
        {
            // where an event stream follows, this belongs to its first line
            parser_.push(std::exchange(input_, {}));
        }
        while (parser_.pull())
        {
            // a line of spaces is one that the standard ignores
        }
        return ended_ ? body_step::end : body_step::need_more;
    }
    if (input_[first] == '<')
    {
        return fail(errc::bad_response, "the server answered with HTML (content type \"" +
                                            content_type_ +
                                            "\") instead of an answer of the API: check base_url");
    }
    if (begins_value(input_[first]))
    {
        mode_ = mode::json;
        input_.remove_prefix(first);
        return body_step::item;
    }
    mode_ = mode::events;
    parser_.push(std::exchange(input_, {}));
    return body_step::item;
}

body_step body_reader::pull_value(body_item& out)
{
    if (!splitter_.is_open())
    {
        const std::size_t first = input_.find_first_not_of(white_space);
        input_.remove_prefix(first == std::string_view::npos ? input_.size() : first);
        if (input_.empty())
        {
            return ended_ ? body_step::end : body_step::need_more;
        }
        if (!begins_value(input_[0]))
        {
            mode_ = mode::events;
            parser_.reset();
            parser_.push(std::exchange(input_, {}));
            return body_step::item;
        }
    }
    switch (splitter_.scan(input_))
    {
        case json_splitter::outcome::complete:
            out = body_item{body_item::kind::value, {}, splitter_.value(), {}, false};
            return body_step::item;
        case json_splitter::outcome::too_large:
            return fail_too_large();
        case json_splitter::outcome::incomplete:
            break;
    }
    return ended_ ? fail(errc::truncated,
                         "the answer's JSON breaks off after " + std::to_string(bytes_) + " bytes")
                  : body_step::need_more;
}

body_step body_reader::pull_event(body_item& out)
{
    if (!has_event_ && !find_event(out))
    {
        if (parser_.failed())
        {
            return fail(errc::too_large, "an event of the stream is larger than " +
                                             std::to_string(bounds_.event) +
                                             " bytes: raise limits::event");
        }
        return ended_ ? end_events(out) : body_step::need_more;
    }
    body_step taken = body_step::item;
    if (out.what == body_item::kind::line)
    {
        taken = take_line(out);
    }
    else if (splitter_.is_open())
    {
        taken = fail(errc::bad_response,
                     "JSON between the events of the stream breaks off where an event begins");
    }
    has_event_ = false;
    return taken;
}

/// The next event or line of the parser, if there is one.
bool body_reader::find_event(body_item& out)
{
    auto event = parser_.pull();
    const bool cut = !event && ended_;
    if (cut)
    {
        event = parser_.finish();
    }
    if (!event)
    {
        return false;
    }
    out = body_item{body_item::kind::event, event->event, event->data, event->id, cut};
    if (event->unknown_line.data() != nullptr)
    {
        out.what = body_item::kind::line;
        out.data = trim(event->unknown_line);
    }
    has_event_ = true;
    return true;
}

/// A line between the events: of a page, of JSON that goes on or is complete with it, or of anything else.
body_step body_reader::take_line(body_item& out)
{
    const std::string_view text = out.data;
    in_page_ = in_page_ || text.starts_with('<');
    const bool in_value = splitter_.is_open() || (!text.empty() && begins_value(text[0]));
    if (in_page_ || !in_value)
    {
        return body_step::item;
    }
    std::string_view rest = text;
    switch (splitter_.scan(rest))
    {
        case json_splitter::outcome::complete:
            out.what = body_item::kind::value;
            out.data = rest.empty() ? splitter_.value() : text;  // text behind it spoils the line
            break;
        case json_splitter::outcome::too_large:
            return fail_too_large();
        case json_splitter::outcome::incomplete:
            break;
    }
    return body_step::item;
}

/// What is left of JSON between the events, once.
body_step body_reader::end_events(body_item& out)
{
    if (!splitter_.is_open())
    {
        return body_step::end;
    }
    out = body_item{body_item::kind::value, {}, splitter_.value(), {}, true};
    splitter_.abandon();
    return body_step::item;
}

body_step body_reader::fail_too_large()
{
    return fail(errc::too_large, "the JSON of the answer is larger than " +
                                     std::to_string(value_limit()) +
                                     " bytes: raise limits::" + (is_json_ ? "body" : "event"));
}

body_step body_reader::fail(errc code, std::string text)
{
    failure_ = core::failure(code, std::move(text));
    return body_step::failed;
}

bool body_reader::begins_value(char c) const noexcept { return c == '{' || (c == '[' && is_json_); }

std::size_t body_reader::value_limit() const noexcept
{
    return is_json_ ? bounds_.body : bounds_.event;
}

}  // namespace regolo::core
