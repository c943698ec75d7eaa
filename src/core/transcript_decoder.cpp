#include "core/transcript_decoder.hpp"

#include "core/api_error.hpp"
#include "core/http_message.hpp"
#include "core/json_merge.hpp"
#include "core/text.hpp"
#include "core/transcript_codec.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace regolo::core {

namespace json = boost::json;

namespace {

constexpr std::string_view delta_type = "transcript.text.delta";
constexpr std::string_view done_type = "transcript.text.done";
constexpr std::string_view segment_type = "transcript.text.segment";

std::string_view text_member(const json::object& object, std::string_view name) noexcept
{
    const auto* member = object.if_contains(name);
    const auto* text = member == nullptr ? nullptr : member->if_string();
    return text == nullptr ? std::string_view() : std::string_view(*text);
}

/// The first choice of a chunk as vLLM sends it; null pointer: none.
const json::object* first_choice(const json::object& event) noexcept
{
    const auto* choices = event.if_contains("choices");
    const auto* list = choices == nullptr ? nullptr : choices->if_array();
    return list == nullptr || list->empty() ? nullptr : list->front().if_object();
}

std::string_view choice_text(const json::object& choice) noexcept
{
    const auto* delta = choice.if_contains("delta");
    const auto* object = delta == nullptr ? nullptr : delta->if_object();
    return object == nullptr ? std::string_view() : text_member(*object, "content");
}

/// Whether text of another type is an event stream all the same: there is nothing but fields before its first data, which
/// is JSON.
bool looks_like_events(std::string_view body) noexcept
{
    while (!body.empty())
    {
        const auto line = trim(body.substr(0, body.find('\n')));
        body.remove_prefix(std::min(body.find('\n'), body.size() - 1) + 1);
        if (line.starts_with("data:"))
            return trim(line.substr(5)).starts_with('{');
        const bool is_field = line.empty() || line.starts_with(':') || line.starts_with("event:") ||
                              line.starts_with("id:") || line.starts_with("retry:");
        if (!is_field)
            return false;
    }
    return false;
}

template <class T>
void add_all(undo_log& done, std::vector<T>& to, std::vector<T>&& from)
{
    done.add([&to, size = to.size()]() noexcept {
        to.erase(to.begin() + static_cast<std::ptrdiff_t>(size), to.end());
    });
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

void add_all(undo_log& done, json::array& to, const json::array& from)
{
    done.add([&to, size = to.size()]() noexcept { to.resize(size); });
    to.insert(to.end(), from.begin(), from.end());
}

template <class T>
void replace_unless_empty(undo_log& done, T& old, T by)
{
    if (!by.empty())
        replace(done, old, std::move(by));
}

}  // namespace

void stream_decoder<transcript_chunk>::start(const response_head& head)
{
    auto type = media_type(find_header(head.headers, "content-type").value_or(""));
    events_.start(head);
    media_type_ = std::move(type);
    has_event_ = false;
    body_ = media_type_ == "text/event-stream" ? body::events : body::unknown;
    held_.clear();
    complete_ = false;
    shape_ = shape::unknown;
    chunks_ = 0;
    has_text_ = false;
    ended_as_ = stream_end::open;
    status_ = head.status;
    usage_.reset();
    model_.clear();
}

void stream_decoder<transcript_chunk>::push(std::string_view bytes)
{
    if (body_ == body::events)
        events_.push(bytes);
    else
        held_ += bytes;
}

void stream_decoder<transcript_chunk>::end_of_body() noexcept
{
    complete_ = true;
    if (body_ == body::events)
        events_.end_of_body();
}

stream_step stream_decoder<transcript_chunk>::pull(transcript_chunk& out)
{
    if (ended_as_ != stream_end::open)
        return ended_as_ == stream_end::failed ? stream_step::failed : stream_step::ended;
    if (body_ == body::unknown)
    {
        if (held_.size() > bounds_.body)
            return fail(
                core::failure(errc::too_large, "the transcript is larger than limits::body"));
        if (!complete_)
            return stream_step::need_more;
        if (!looks_like_events(held_))
            return take_whole(out);
        body_ = body::events;
        events_.push(held_);
        events_.end_of_body();
    }
    for (;;)
    {
        if (!has_event_)
        {
            switch (const auto found = events_.pull(event_))
            {
                case stream_step::chunk:
                    has_event_ = true;
                    break;
                case stream_step::ended:
                    return conclude();
                case stream_step::failed:
                    return fail(events_.failure());
                default:
                    return found;
            }
        }
        const auto taken = take(event_, out);
        has_event_ = false;
        if (taken != stream_step::need_more)
            return taken;
    }
}

stream_step stream_decoder<transcript_chunk>::take_whole(transcript_chunk& out)
{
    if (chunks_ > 0)
        return end(stream_end::finished);
    auto whole = decode_transcript(held_, media_type_, bounds_);
    if (!whole)
        return fail(whole.error());
    auto json = parser_.parse(held_, {});
    const bool is_answer = json && json->is_object() && json->get_object().contains("text");
    if (is_answer && text_member(json->get_object(), "text") == whole->text)
        return take(std::move(json->get_object()), out);
    return take({{"text", whole->text}}, out);
}

stream_step stream_decoder<transcript_chunk>::take(const server_event& event, transcript_chunk& out)
{
    if (event.event == "error")
        return fail(decode_error_text(event.data, error_place::stream));
    const auto data = trim(event.data);
    if (data.empty() || data == "null")
        return stream_step::need_more;
    json_tape tape;
    const auto document = parser_.parse(data, tape);
    if (document && is_error_frame(*document))
        return fail(decode_error_frame(*document, error_place::stream));
    if (document && document->is_object())
    {
        if (auto in_range = check_range(*document); !in_range)
            return fail(in_range.error());
        return take(std::move(document->to_value().get_object()), out);
    }
    auto info = document ? core::failure(errc::bad_response, "not an object") : document.error();
    info.message = "event " + std::to_string(chunks_ + 1) + " of the stream: " + info.message;
    return fail(std::move(info));
}

stream_step stream_decoder<transcript_chunk>::take(json::object&& event, transcript_chunk& out)
{
    auto found = shape_;
    out.type = text_member(event, "type");
    out.delta.clear();
    if (const auto* choice = first_choice(event))
    {
        out.delta = choice_text(*choice);
        found = text_member(*choice, "finish_reason").empty() ? shape::unending : shape::ended;
    }
    else if (out.type == delta_type)
    {
        out.delta = text_member(event, "delta");
        found = shape::unending;
    }
    else if (out.type == done_type)
    {
        if (!has_text_)
            out.delta = text_member(event, "text");
        found = shape::ended;
    }
    else if (out.type.empty() && event.contains("text"))
    {
        out.delta = text_member(event, "text");
        found = shape::pieces;
    }
    std::optional<usage> told;
    if (const auto* member = event.if_contains("usage"); member != nullptr && member->is_object())
    {
        if (auto read = read_document<usage>(*member))
            told = std::move(*read);
    }
    out.json = std::move(event);
    model_ = text_member(out.json, "model");
    // nothing fails from here on
    if (told)
        usage_ = std::move(told);
    shape_ = found;
    has_text_ = has_text_ || !out.delta.empty();
    ++chunks_;
    return stream_step::chunk;
}

stream_step stream_decoder<transcript_chunk>::conclude()
{
    if (shape_ == shape::unknown)
        return fail(core::failure(errc::bad_response,
                                  "the answer has no transcript; is base_url that of the API?"));
    if (shape_ == shape::unending && events_.ended_as() != stream_end::done)
        return fail(core::failure(errc::truncated, "the stream ended after " +
                                                       std::to_string(chunks_) +
                                                       " events, without the one that ends a "
                                                       "transcript: it is incomplete"));
    return end(events_.ended_as());
}

stream_step stream_decoder<transcript_chunk>::end(stream_end how) noexcept
{
    ended_as_ = how;
    return stream_step::ended;
}

stream_step stream_decoder<transcript_chunk>::fail(error_info info)
{
    info.where = phase::body;
    info.sent = true;
    info.http_status = status_;
    failure_ = std::move(info);
    ended_as_ = stream_end::failed;
    return stream_step::failed;
}

void transcript_accumulator::add(const transcript_chunk& chunk)
{
    if (chunk.type == segment_type)
        return add_segment(chunk);
    auto told = read_document<transcript>(chunk.json);
    undo_log done;
    append(done, answer_.text, chunk.delta);
    if (told)
        add(done, *told, chunk.type == done_type);
    done.commit();
}

void transcript_accumulator::add_segment(const transcript_chunk& chunk)
{
    auto segment = read_document<transcript_segment>(chunk.json);
    undo_log done;
    append(done, answer_.text, chunk.delta);
    if (segment)
        answer_.segments.push_back(std::move(*segment));
    done.commit();
}

/// @param again  it says again what the events before it said
void transcript_accumulator::add(undo_log& done, transcript& told, bool again)
{
    if (told.usage)
        replace(done, answer_.usage, std::move(told.usage));
    replace_unless_empty(done, answer_.language, std::move(told.language));
    if (told.duration)
        replace(done, answer_.duration, told.duration);
    if (again)
    {
        replace_unless_empty(done, answer_.text, std::move(told.text));
        replace_unless_empty(done, answer_.segments, std::move(told.segments));
        replace_unless_empty(done, answer_.words, std::move(told.words));
        replace_unless_empty(done, answer_.logprobs, std::move(told.logprobs));
    }
    else
    {
        add_all(done, answer_.segments, std::move(told.segments));
        add_all(done, answer_.words, std::move(told.words));
        add_all(done, answer_.logprobs, told.logprobs);
    }
    for (auto& member : told.extra)
    {
        if (member.key() != "type" && member.key() != "delta" && member.key() != "choices")
            set_member(done, answer_.extra, member.key(), std::move(member.value()));
    }
}

transcript transcript_accumulator::take() { return std::exchange(answer_, {}); }

}  // namespace regolo::core
