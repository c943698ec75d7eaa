#include "core/stream_decoder.hpp"

#include "core/api_error.hpp"
#include "core/json_merge.hpp"
#include "core/json_text.hpp"
#include "core/server_words.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace regolo::core {

namespace {

constexpr std::string_view end_mark = "[DONE]";
/// Enough for the head of a page with its title.
constexpr std::size_t kept_stray = std::size_t{4} * 1024;

bool is_keep_alive(std::string_view name) noexcept
{
    return name == "ping" || name == "keepalive" || name == "keep-alive";
}

std::string counted(std::uint64_t count, std::string_view noun)
{
    return std::to_string(count) + ' ' + std::string(noun) + (count == 1 ? "" : "s");
}

/// JSON that says nothing.
bool is_nothing(std::string_view data) noexcept
{
    return data.empty() || data == "null" || data == "[]";
}

/// Data that is no JSON but words of a gateway; broken JSON may be a part of the answer and is not shown.
bool is_plain_text(std::string_view data) noexcept
{
    const std::string_view text = trim(data);
    return !text.empty() && (text[0] != '{' || text.starts_with("{'")) && text[0] != '[';
}

/// A line that was cut may be the beginning of a field.
bool may_be_field(std::string_view line) noexcept
{
    constexpr auto fields = std::to_array<std::string_view>({"data", "event", "id", "retry"});
    return std::any_of(fields.begin(), fields.end(),
                       [&](std::string_view field) { return field.starts_with(line); });
}

bool is_json_text(std::string_view text)
{
    json_parser parser((limits()));
    return parser.parse(text, {}).has_value();
}

/// The value of a line "error: ..."; empty where it is another one or says that there is none.
std::string_view error_field(std::string_view line) noexcept
{
    constexpr std::string_view name = "error:";
    if (!line.starts_with(name))
    {
        return {};
    }
    const std::string_view value = trim(line.substr(name.size()));
    return value == "null" ? std::string_view() : value;
}

}  // namespace

template <class Chunk>
stream_decoder<Chunk>::stream_decoder(const limits& bounds) : reader_(bounds), decoder_(bounds)
{}

template <class Chunk>
void stream_decoder<Chunk>::start(const response_head& head)
{
    reader_.start(head);
    front_ = {};
    at_front_ = has_item_ = false;
    if constexpr (!is_raw)
    {
        decoder_.reset();
    }
    status_ = head.status;
    chunks_ = 0;
    stray_.clear();
    choices_.clear();
    open_choices_ = 0;
    whole_answer_ = seen_event_ = repeats_ = may_repeat_ = false;
    ended_as_ = stream_end::open;
    failure_.reset();
    finish_reason_.clear();
    usage_.reset();
    model_.clear();
}

template <class Chunk>
stream_step stream_decoder<Chunk>::pull(Chunk& out)
{
    if (at_front_)
    {
        if (front_.empty())
        {
            return stream_step::need_more;
        }
        if (const std::size_t taken = take_repeat(front_, out); taken != 0)
        {
            front_.remove_prefix(taken);
            return stream_step::chunk;
        }
        at_front_ = false;
        reader_.push(std::exchange(front_, {}));
    }
    return pull_item(out);
}

/// The same with what the reader has.
template <class Chunk>
stream_step stream_decoder<Chunk>::pull_item(Chunk& out)
{
    while (ended_as_ == stream_end::open)
    {
        if (!has_item_)
        {
            if (reader_.is_drained())
            {
                at_front_ = !is_raw;
                return stream_step::need_more;
            }
            if (const std::size_t taken = take_repeat(reader_.front(), out); taken != 0)
            {
                reader_.skip(taken);
                return stream_step::chunk;
            }
            switch (reader_.pull(item_))
            {
                case body_step::need_more:
                    return stream_step::need_more;
                case body_step::end:
                    return conclude(out);
                case body_step::failed:
                    return fail(reader_.take_failure());
                case body_step::item:
                    has_item_ = true;
                    break;
            }
        }
        const stream_step taken = take(item_, out);
        has_item_ = false;
        if (taken != stream_step::need_more)
        {
            return taken;
        }
    }
    return ended_as_ == stream_end::failed ? stream_step::failed : stream_step::ended;
}

/// Reads the event in front of the bytes without looking at its parts, where it is one of those that repeat.
/// @returns  the bytes that it takes, or 0
template <class Chunk>
std::size_t stream_decoder<Chunk>::take_repeat(std::string_view bytes, Chunk& out)
{
    std::size_t taken = 0;
    if constexpr (!is_raw)
    {
        taken = decoder_.decode_front(bytes, reader_.event_limit(), out);
        if (taken != 0)
        {
            // What it tells of the stream, the one before it has told.
            repeats_ = may_repeat_;
            if (!repeats_)
            {
                commit(out);
                may_repeat_ = true;
            }
            ++chunks_;
        }
    }
    return taken;
}

template <class Chunk>
stream_step stream_decoder<Chunk>::take(const body_item& item, Chunk& out)
{
    if (item.what == body_item::kind::line)
    {
        return take_line(item, out);
    }
    const std::string_view text = trim(item.data);
    if (text.starts_with(end_mark) && (is_raw || item.name != "error"))
    {
        return take_done(text, out);
    }
    if constexpr (!is_raw)
    {
        if (item.name == "error")
        {
            return fail(decode_error_text(text.starts_with(end_mark) ? "" : item.data,
                                          error_place::stream));
        }
        if (is_nothing(text) || is_keep_alive(item.name))
        {
            return stream_step::need_more;
        }
    }
    return take_data(item, out);
}

/// A line that is no part of an event stream, in which gateways hide what went wrong.
template <class Chunk>
stream_step stream_decoder<Chunk>::take_line(const body_item& line, Chunk& out)
{
    if (line.data == end_mark)
    {
        return take_done(line.data, out);
    }
    if (const std::string_view error = error_field(line.data); !error.empty())
    {
        return fail(decode_error_text(error, error_place::stream));
    }
    const bool says_none = line.data.starts_with("error:");
    if (!says_none && (!line.cut || !may_be_field(line.data)))
    {
        keep_stray(line.data);
    }
    return stream_step::need_more;
}

template <class Chunk>
void stream_decoder<Chunk>::keep_stray(std::string_view line)
{
    if (line.empty() || stray_.size() >= kept_stray)
    {
        return;
    }
    const std::size_t begin = stray_.size() + (stray_.empty() ? 0 : 1);
    line = line.substr(0, kept_stray - begin);
    stray_.reserve(begin + line.size());
    stray_.resize(begin, '\n');
    stray_ += line;
}

template <class Chunk>
stream_step stream_decoder<Chunk>::take_done(std::string_view data, Chunk& out)
{
    while (data.starts_with(end_mark))
    {
        data = trim(data.substr(end_mark.size()));
    }
    if (data.empty())
    {
        // What a gateway has written between the events tells why the answer stops here.
        return open_choices_ > 0 && !stray_.empty() ? fail_incomplete()
                                                    : end(stream_end::done, out);
    }
    // what follows the mark may be anything, so it is not shown
    return fail(errc::bad_response,
                "the stream's end mark [DONE] has other text behind it in the same event");
}

template <class Chunk>
stream_step stream_decoder<Chunk>::take_data(const body_item& item, Chunk& out)
{
    repeats_ = may_repeat_ = false;
    if constexpr (is_raw)
    {
        if (item.cut && !is_json_text(item.data))
        {
            return fail(errc::truncated, "the stream ended in the middle of an event, after " +
                                             counted(chunks_, "event"));
        }
        out.event = item.name;
        out.data = item.data;
        out.id = item.id;
    }
    else
    {
        const auto decoded = decoder_.decode(item.data, out);
        if (!decoded)
        {
            error_info info = decoded.error();
            if (item.cut && info.code == errc::bad_response)
            {
                return conclude(out);
            }
            if (is_plain_text(item.data))
            {
                read_server_body(item.data, info);
            }
            if (info.code == errc::bad_response || info.code == errc::too_large)
            {
                info.message =
                    "event " + std::to_string(chunks_ + 1) + " of the stream: " + info.message;
            }
            return fail(std::move(info));
        }
        if (item.what == body_item::kind::value && reader_.is_json() && chunks_ == 0)
        {
            whole_answer_ = decoder_.is_whole_answer(item.data);
            if (out.choices.empty() && !whole_answer_)
            {
                error_info info =
                    core::failure(errc::bad_response,
                                  "the answer has no \"choices\"; is base_url that of the API?");
                read_server_body(item.data, info);
                return fail(std::move(info));
            }
        }
        commit(out);
    }
    ++chunks_;
    seen_event_ = true;
    return stream_step::chunk;
}

/// Notes what the chunk says of the whole stream. All of it or, where that throws, nothing.
template <class Chunk>
void stream_decoder<Chunk>::commit(const Chunk& chunk)
{
    if constexpr (!is_raw)
    {
        if (goes_on(chunk))
        {
            decoder_.commit();
            return;
        }
        undo_log done;
        keep_last(done, model_, chunk.model);
        if (chunk.usage)
        {
            replace(done, usage_, std::make_unique<usage>(*chunk.usage));
        }
        for (const auto& choice : chunk.choices)
        {
            // the chunk decoder has checked the index against its limit
            const auto index = static_cast<std::size_t>(choice.index);
            if (index >= choices_.size())
            {
                choices_.resize(index + 1, choice_state::unseen);
            }
            if (index == 0)
            {
                keep_last(done, finish_reason_, choice.finish_reason);
            }
        }
        done.commit();
        decoder_.commit();
        for (const auto& choice : chunk.choices)
        {
            note_choice(static_cast<std::size_t>(choice.index), !choice.finish_reason.empty());
        }
    }
}

/// Whether the chunk says nothing of the whole stream that is not known.
template <class Chunk>
bool stream_decoder<Chunk>::goes_on(const Chunk& chunk) const noexcept
{
    if constexpr (!is_raw)
    {
        if (chunk.choices.size() != 1 || chunk.usage || chunk.model != model_)
        {
            return false;
        }
        const auto& choice = chunk.choices.front();
        const auto index = static_cast<std::size_t>(choice.index);
        return choice.finish_reason.empty() && index < choices_.size() &&
               choices_[index] != choice_state::unseen;
    }
    return false;
}

/// The answer is complete when each choice that was seen has its finish reason.
template <class Chunk>
void stream_decoder<Chunk>::note_choice(std::size_t index, bool finished) noexcept
{
    choice_state& state = choices_[index];
    if (state == choice_state::unseen)
    {
        state = choice_state::open;
        ++open_choices_;
    }
    if (finished && state == choice_state::open)
    {
        state = choice_state::finished;
        --open_choices_;
    }
}

template <class Chunk>
stream_step stream_decoder<Chunk>::conclude(Chunk& out)
{
    if (chunks_ == 0 && !stray_.empty())
    {
        return fail(errc::bad_response, "the body is no event stream (content type \"" +
                                            reader_.content_type() + "\"): check base_url");
    }
    if (is_raw || whole_answer_ || (!choices_.empty() && open_choices_ == 0))
    {
        return end(stream_end::finished, out);
    }
    if (reader_.is_empty())
    {
        return fail(errc::truncated, "the server sent an empty body instead of a stream");
    }
    return fail_incomplete();
}

template <class Chunk>
stream_step stream_decoder<Chunk>::fail_incomplete()
{
    std::string text = "the stream ended after " + counted(chunks_, "event");
    if (reader_.comments() > 0)
    {
        text += " and " + counted(reader_.comments(), "comment");
    }
    text += " without [DONE] or a finish reason: the answer is incomplete";
    if (!stray_.empty())
    {
        text += looks_like_html(stray_) ? "; a gateway has put a page of HTML among the events"
                                        : "; there is other text among the events";
    }
    return fail(errc::truncated, std::move(text));
}

template <class Chunk>
stream_step stream_decoder<Chunk>::end(stream_end how, Chunk& out)
{
    bool more = false;
    repeats_ = may_repeat_ = false;
    if constexpr (!is_raw)
    {
        more = decoder_.release(out);
    }
    chunks_ += more ? 1 : 0;
    ended_as_ = how;
    return more ? stream_step::chunk : stream_step::ended;
}

template <class Chunk>
stream_step stream_decoder<Chunk>::fail(error_info info)
{
    return fail(kept_failure(std::move(info)));
}

template <class Chunk>
stream_step stream_decoder<Chunk>::fail(kept_failure failure) noexcept
{
    failure->where = phase::body;
    failure->sent = true;
    failure->http_status = status_;
    failure_ = std::move(failure);
    ended_as_ = stream_end::failed;
    seen_event_ = true;
    return stream_step::failed;
}

template <class Chunk>
stream_step stream_decoder<Chunk>::fail(errc code, std::string text)
{
    error_info info = core::failure(code, std::move(text));
    if (!stray_.empty())
    {
        read_server_body(stray_, info);
    }
    return fail(std::move(info));
}

template class stream_decoder<chat_chunk>;
template class stream_decoder<completion_chunk>;
template class stream_decoder<server_event>;

}  // namespace regolo::core
