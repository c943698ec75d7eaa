#include "core/chunk_template.hpp"

#include "core/members.hpp"
#include "core/utf8.hpp"

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
constexpr std::size_t largest = std::size_t{8} * 1024;
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

/** `changes::assign(out, from)` makes a value equal to another one, as `out = from` does, but leaves alone what is: nearly
    all of it. */
struct changes
{
    static void assign(std::string& out, const std::string& from)
    {
        if (out != from)
            out = from;
    }
    static void assign(std::int64_t& out, std::int64_t from) noexcept { out = from; }
    static void assign(json::value& out, const json::value& from)
    {
        if (!(out.is_null() && from.is_null()))
            out = from;
    }
    static void assign(json::object& out, const json::object& from) { assign_container(out, from); }
    static void assign(json::array& out, const json::array& from) { assign_container(out, from); }
    static void assign(std::optional<std::string>& out, const std::optional<std::string>& from)
    {
        if (out && from)
            assign(*out, *from);
        else if (out || from)
            out = from;
    }
    template <class T>
    static void assign(std::optional<T>& out, const std::optional<T>& from)
    {
        if (out || from)
            out = from;
    }
    template <class T>
    static void assign(std::vector<T>& out, const std::vector<T>& from)
    {
        if (out.size() != from.size())
            out.resize(from.size());
        for (std::size_t i = 0; i != from.size(); ++i)
            assign(out[i], from[i]);
    }
    template <class Noun>
    requires requires(Noun& noun) { members_of(noun); }
    static void assign(Noun& out, const Noun& from)
    {
        assign_all(members_of(out), members_of(from));
    }

private:
    template <class Members, class Others>
    static void assign_all(const Members& out, const Others& from)
    {
        std::apply(
            [&](auto&... to) {
                std::apply([&](const auto&... other) { (assign(to, other), ...); }, from);
            },
            out);
    }

    template <class Container>
    static void assign_container(Container& out, const Container& from)
    {
        if (!out.empty() || !from.empty())
            out = from;
    }
};

/// The character that a backslash and this one stand for; 0 where that takes more to tell.
char unescaped(char c) noexcept
{
    switch (c)
    {
        case '"':
        case '\\':
        case '/':
            return c;
        case 'n':
            return '\n';
        case 't':
            return '\t';
        case 'r':
            return '\r';
        case 'b':
            return '\b';
        case 'f':
            return '\f';
        default:
            return 0;
    }
}

/** The size of the text in front of a JSON string's closing quotation mark; nothing where there is no such mark, where the text
    is not allowed, and where it has escapes with a number. */
std::optional<std::size_t> size_of_text(std::string_view json) noexcept
{
    bool is_ascii = true;
    for (std::size_t i = 0; i != json.size(); ++i)
    {
        const auto c = static_cast<unsigned char>(json[i]);
        if (c == '"')
        {
            const bool is_valid = is_ascii || valid_utf8_prefix(json.substr(0, i)) == i;
            return is_valid ? std::optional(i) : std::nullopt;
        }
        if (c < 0x20)
            return std::nullopt;
        is_ascii = is_ascii && c < 0x80;
        if (c == '\\' && (++i == json.size() || unescaped(json[i]) == 0))
            return std::nullopt;
    }
    return std::nullopt;
}

void unescape(std::string_view json, std::string& out)
{
    const auto plain = std::min(json.find('\\'), json.size());
    out.assign(json, 0, plain);
    for (std::size_t i = plain; i != json.size(); ++i)
        out.push_back(json[i] == '\\' ? unescaped(json[++i]) : json[i]);
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

std::string* text_at(completion_chunk& chunk, const text_place& where) noexcept
{
    return &chunk.choices[where.choice].text;
}

std::string* text_at(chat_chunk& chunk, const text_place& where) noexcept
{
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
    return &delta.tool_calls[where.call].arguments;
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
    if (!is_known_)
        return false;
    auto before = std::string_view(known_.before);
    auto after = std::string_view(known_.after);
    before.remove_prefix(data_field.size());
    after.remove_suffix(event_end.size());
    if (!event.starts_with(before))
        return false;
    event.remove_prefix(before.size());
    const auto size = size_of_text(event);
    if (!size || event.substr(*size) != after)
        return false;
    fill(event.substr(0, *size), out);
    return true;
}

template <class Chunk>
std::size_t chunk_template<Chunk>::read_front(std::string_view stream, std::size_t most, Chunk& out)
{
    if (!is_known_ || !stream.starts_with(known_.before))
        return 0;
    const auto behind = stream.substr(known_.before.size());
    const auto size = size_of_text(behind);
    if (!size || !behind.substr(*size).starts_with(known_.after))
        return 0;
    const auto taken = known_.before.size() + *size + known_.after.size();
    if (taken - data_field.size() - event_end.size() > most)
        return 0;
    fill(behind.substr(0, *size), out);
    return taken;
}

template <class Chunk>
void chunk_template<Chunk>::fill(std::string_view text, Chunk& out)
{
    changes::assign(out, known_.chunk);
    unescape(text, *text_at(out, known_.where));
    pause_ = next_pause_ = 0;
}

template <class Chunk>
std::string chunk_template<Chunk>::propose(std::string_view event)
{
    if (event.size() > largest || !is_due())
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
    proposed_.before.assign(data_field).append(before);
    proposed_.after.assign(after).append(event_end);
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
    const bool is_delta = take_mark(marked, proposed_.where);
    // what is left of it stands somewhere else, too
    if (!is_delta || serialize_text(to_json(marked)).find(mark) != std::string::npos)
        return;
    proposed_.chunk = std::move(marked);
    std::swap(known_, proposed_);
    is_known_ = true;
}

template <class Chunk>
void chunk_template<Chunk>::reset() noexcept
{
    is_known_ = false;
    last_.clear();
    pause_ = next_pause_ = 0;
}

template class chunk_template<chat_chunk>;
template class chunk_template<completion_chunk>;

}  // namespace regolo::core
