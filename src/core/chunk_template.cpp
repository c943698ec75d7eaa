#include "core/chunk_template.hpp"

#include "core/json_string.hpp"
#include "core/members.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

namespace regolo::core {

namespace json = boost::json;

namespace {

/// Larger events are rare, and not worth a copy.
constexpr std::size_t largest_event = std::size_t{8} * 1024;
/// Events between comparisons that lead to nothing, so that they cost little where more than a text differs.
constexpr unsigned longest_pause = 64;
/// How most servers frame an event.
constexpr std::string_view data_field = "data: ";
constexpr std::string_view event_end = "\n\n";
/// Stands for a text. An event that has it is left alone.
constexpr std::string_view mark = "~ the text of a delta ~";

// Each names all members, so that the compiler sees when one is forgotten.
auto members_of(like<tool_call_delta> auto& noun)
{
    auto& [index, id, type, name, arguments, function_extra, extra] = noun;
    return std::tie(index, id, type, name, arguments, function_extra, extra);
}

auto members_of(like<chat_delta> auto& noun)
{
    auto& [role, content, reasoning, refusal, calls, function_call, annotations, extra] = noun;
    return std::tie(role, content, reasoning, refusal, calls, function_call, annotations, extra);
}

auto members_of(like<chunk_choice> auto& noun)
{
    auto& [index, delta, finish_reason, logprobs, stop_reason, extra] = noun;
    return std::tie(index, delta, finish_reason, logprobs, stop_reason, extra);
}

auto members_of(like<completion_choice> auto& noun)
{
    auto& [index, text, finish_reason, logprobs, stop_reason, extra] = noun;
    return std::tie(index, text, finish_reason, logprobs, stop_reason, extra);
}

auto members_of(like<chat_chunk> auto& noun)
{
    auto& [id, object, created, model, choices, usage, fingerprint, tier, extra] = noun;
    return std::tie(id, object, created, model, choices, usage, fingerprint, tier, extra);
}

auto members_of(like<completion_chunk> auto& noun)
{
    auto& [id, object, created, model, choices, usage, fingerprint, extra] = noun;
    return std::tie(id, object, created, model, choices, usage, fingerprint, extra);
}

/// Whether two values are the same, member by member; it says no to what is rare and takes long to compare.
struct same
{
    static bool is(const std::string& a, const std::string& b) noexcept
    {
        return a.size() == b.size() &&
               (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
    }
    static bool is(const shared_string& a, const shared_string& b) noexcept { return a == b; }
    static bool is(std::int64_t a, std::int64_t b) noexcept { return a == b; }
    static bool is(const json::value& a, const json::value& b) noexcept
    {
        return a.is_null() && b.is_null();
    }
    static bool is(const json::object& a, const json::object& b) noexcept
    {
        return a.empty() && b.empty();
    }
    static bool is(const json::array& a, const json::array& b) noexcept
    {
        return a.empty() && b.empty();
    }
    template <class T>
    static bool is(const std::optional<T>& a, const std::optional<T>& b) noexcept
    {
        if constexpr (requires { is(*a, *b); })
            return a.has_value() == b.has_value() && (!a || is(*a, *b));
        else
            return !a && !b;
    }
    template <class T>
    static bool is(const std::vector<T>& a, const std::vector<T>& b) noexcept
    {
        return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                          [](const T& one, const T& other) { return is(one, other); });
    }
    template <class Noun>
    requires requires(const Noun& noun) { members_of(noun); }
    static bool is(const Noun& a, const Noun& b) noexcept
    {
        return std::apply(
            [&](const auto&... one) {
                return std::apply([&](const auto&... other) { return (is(one, other) && ...); },
                                  members_of(b));
            },
            members_of(a));
    }
};

/// Whether a value says nothing, which is quicker to see than that two are the same.
template <class T>
bool is_blank(const T& value) noexcept
{
    if constexpr (requires { value.has_value(); })
        return !value.has_value();
    else if constexpr (requires { value.is_null(); })
        return value.is_null();
    else
        return value.empty();
}

template <class... T>
bool are_blank(const T&... values) noexcept
{
    return (is_blank(values) && ...);
}

/// Of a chunk with one choice that says nothing but a text, as nearly all do, that text; null for others.
std::string* plain_text(chat_chunk& chunk) noexcept
{
    auto& [id, object, created, model, choices, usage, fingerprint, tier, extra] = chunk;
    if (choices.size() != 1 || !are_blank(usage, extra))
        return nullptr;
    auto& [index, delta, finish_reason, logprobs, stop_reason, choice_extra] = choices.front();
    auto& [role, content, reasoning, refusal, calls, function_call, annotations, delta_extra] =
        delta;
    const bool is_plain =
        are_blank(finish_reason, logprobs, stop_reason, choice_extra) &&
        are_blank(role, reasoning, refusal, calls, function_call, annotations, delta_extra);
    return is_plain && content ? &*content : nullptr;
}

std::string* plain_text(completion_chunk& chunk) noexcept
{
    auto& [id, object, created, model, choices, usage, fingerprint, extra] = chunk;
    if (choices.size() != 1 || !are_blank(usage, extra))
        return nullptr;
    auto& [index, text, finish_reason, logprobs, stop_reason, choice_extra] = choices.front();
    return are_blank(finish_reason, logprobs, stop_reason, choice_extra) ? &text : nullptr;
}

/// Whether two chunks that have such a text have all else in common.
template <class Chunk>
bool same_but_text(const Chunk& a, const Chunk& b) noexcept
{
    if constexpr (requires { a.service_tier; })
    {
        if (!same::is(a.service_tier, b.service_tier))
            return false;
    }
    return a.created == b.created && same::is(a.id, b.id) && same::is(a.object, b.object) &&
           same::is(a.model, b.model) && same::is(a.system_fingerprint, b.system_fingerprint) &&
           a.choices.front().index == b.choices.front().index;
}

bool has_line_break(std::string_view text) noexcept
{
    return text.find('\n') != std::string_view::npos || text.find('\r') != std::string_view::npos;
}

void append_unescaped(std::string& out, std::string_view quoted)
{
    const auto begin = out.size();
    out.resize(begin + quoted.size());
    const auto* const end = unescape(quoted, out.data() + begin);
    out.resize(static_cast<std::size_t>(end - out.data()));
}

std::size_t common_prefix(std::string_view a, std::string_view b) noexcept
{
    const auto size = std::min(a.size(), b.size());
    return static_cast<std::size_t>(std::mismatch(a.begin(), a.begin() + size, b.begin()).first -
                                    a.begin());
}

std::size_t common_suffix(std::string_view a, std::string_view b) noexcept
{
    const auto size = static_cast<std::ptrdiff_t>(std::min(a.size(), b.size()));
    return static_cast<std::size_t>(std::mismatch(a.rbegin(), a.rbegin() + size, b.rbegin()).first -
                                    a.rbegin());
}

std::string* text_of(std::optional<std::string>& text) noexcept { return text ? &*text : nullptr; }

/// Empties the text that is the mark.
bool take_mark(std::string& text) noexcept
{
    if (text != mark)
        return false;
    text.clear();
    return true;
}

/// Null where the chunk has no such place.
std::string* text_at(completion_chunk& chunk, const text_place& where) noexcept
{
    return where.choice < chunk.choices.size() ? &chunk.choices[where.choice].text : nullptr;
}

std::string* text_at(chat_chunk& chunk, const text_place& where) noexcept
{
    if (where.choice >= chunk.choices.size())
        return nullptr;
    auto& delta = chunk.choices[where.choice].delta;
    switch (where.which)
    {
        case text_place::field::content:
            return text_of(delta.content);
        case text_place::field::reasoning:
            return text_of(delta.reasoning);
        case text_place::field::refusal:
            return text_of(delta.refusal);
        case text_place::field::arguments:
            break;
    }
    return where.call < delta.tool_calls.size() ? &delta.tool_calls[where.call].arguments : nullptr;
}

bool take_mark(completion_chunk& chunk, text_place& where)
{
    for (where = {}; where.choice != chunk.choices.size(); ++where.choice)
        if (take_mark(chunk.choices[where.choice].text))
            return true;
    return false;
}

bool take_mark(chat_chunk& chunk, text_place& where)
{
    using field = text_place::field;
    for (where = {}; where.choice != chunk.choices.size(); ++where.choice)
    {
        auto& delta = chunk.choices[where.choice].delta;
        // two names for one thing: what becomes of the one depends on the other
        if (delta.extra.contains("reasoning"))
            return false;
        for (const auto which : {field::content, field::reasoning, field::refusal})
        {
            where.which = which;
            if (auto* text = text_at(chunk, where); text != nullptr && take_mark(*text))
                return true;
        }
        where.which = field::arguments;
        for (where.call = 0; where.call != delta.tool_calls.size(); ++where.call)
            if (take_mark(delta.tool_calls[where.call].arguments))
                return true;
    }
    return false;
}

}  // namespace

template <class Chunk>
bool chunk_template<Chunk>::read(std::string_view event, Chunk& out)
{
    if (!known_)
        return false;
    auto before = std::string_view(known_->before);
    auto after = std::string_view(known_->after);
    before.remove_prefix(data_field.size());
    after.remove_suffix(event_end.size());
    if (!event.starts_with(before))
        return false;
    event.remove_prefix(before.size());
    const auto text = find_quoted(event);
    if (!text || event.substr(text->size) != after)
        return false;
    fill(event.substr(0, text->size), text->has_escapes, out);
    return true;
}

template <class Chunk>
std::size_t chunk_template<Chunk>::read_front(std::string_view stream, std::size_t most, Chunk& out)
{
    if (!known_ || !stream.starts_with(known_->before))
        return 0;
    const auto behind = stream.substr(known_->before.size());
    const auto text = find_quoted(behind);
    if (!text || !behind.substr(text->size).starts_with(known_->after))
        return 0;
    const auto taken = known_->before.size() + text->size + known_->after.size();
    if (taken - data_field.size() - event_end.size() > most)
        return 0;
    fill(behind.substr(0, text->size), text->has_escapes, out);
    return taken;
}

template <class Chunk>
void chunk_template<Chunk>::fill(std::string_view text, bool has_escapes, Chunk& out)
{
    pause_ = next_pause_ = 0;
    auto& into = make_ready(out);
    into.clear();
    if (has_escapes)
        append_unescaped(into, text);
    else
        into.append(text);  // quicker than `assign`
}

/// Makes all of the chunk what it has to be but the text, and returns that. Nearly always it is the chunk before, and nothing
/// has to be written.
template <class Chunk>
std::string& chunk_template<Chunk>::make_ready(Chunk& out) const
{
    if (known_->is_plain)
    {
        auto* const text = plain_text(out);
        if (text != nullptr && same_but_text(out, known_->chunk))
            return *text;
    }
    else if (auto* const text = text_at(out, known_->where))
    {
        text->clear();  // as it is in the template
        if (same::is(out, known_->chunk))
            return *text;
    }
    out = known_->chunk;
    return *text_at(out, known_->where);
}

template <class Chunk>
std::string chunk_template<Chunk>::propose(std::string_view event)
{
    // what stands in several lines is framed otherwise
    if (!is_due() || event.size() > largest_event || has_line_break(event))
        return {};
    const auto prefix = common_prefix(last_, event);
    const auto shorter = std::min(last_.size(), event.size());
    const auto suffix = std::min(common_suffix(last_, event), shorter - prefix);
    last_ = event;
    pause_ = next_pause_;
    next_pause_ = std::min(2 * next_pause_ + 1, longest_pause);
    const auto open = event.substr(0, prefix).rfind('"');
    const auto close = event.find('"', event.size() - suffix);
    if (open == std::string_view::npos || close == std::string_view::npos || open >= close ||
        event.find(mark) != std::string_view::npos)
        return {};
    const auto before = event.substr(0, open + 1);
    const auto after = event.substr(close);
    if (!proposed_)
        proposed_ = std::make_unique<shape>();
    proposed_->before.assign(data_field).append(before);
    proposed_->after.assign(after).append(event_end);
    std::string proposal(before);
    proposal.append(mark).append(after);
    return proposal;
}

template <class Chunk>
bool chunk_template<Chunk>::is_due() noexcept
{
    if (pause_ == 0)
        return true;
    --pause_;
    return false;
}

template <class Chunk>
void chunk_template<Chunk>::accept(Chunk&& marked)
{
    const bool is_delta = take_mark(marked, proposed_->where);
    // what is left of it stands somewhere else, too
    if (!is_delta || serialize_text(to_json(marked)).find(mark) != std::string::npos)
        return;
    proposed_->chunk = std::move(marked);
    proposed_->is_plain = plain_text(proposed_->chunk) != nullptr;
    known_ = std::move(proposed_);
}

template <class Chunk>
void chunk_template<Chunk>::reset() noexcept
{
    known_.reset();
    proposed_.reset();
    last_.clear();
    pause_ = next_pause_ = 0;
}

template class chunk_template<chat_chunk>;
template class chunk_template<completion_chunk>;

}  // namespace regolo::core
