#include "core/content_codec.hpp"
#include "core/find_doubts.hpp"
#include "core/json_merge.hpp"
#include "core/json_reader.hpp"
#include "core/make_room.hpp"
#include "core/tool_call_merger.hpp"

#include <regolo/chat_accumulator.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace regolo::inline v0 {

using core::keep_first;
using core::keep_last;
using core::merge;
using core::merge_members;
using core::tool_call_merger;
using core::undo_log;

namespace {

void append(undo_log& done, std::optional<std::string>& text,
            const std::optional<std::string>& piece)
{
    if (!piece)
        return;
    if (text)
        core::append(done, *text, *piece);
    else
        core::replace(done, text, piece);
}

/// What there is, or a new one.
template <class T>
T& started(undo_log& done, std::optional<T>& value)
{
    if (!value)
    {
        done.add([&value]() noexcept { value.reset(); });
        value.emplace();
    }
    return *value;
}

/// Before elements are added: takes off what is behind those that are there.
template <class T>
void keep_size(undo_log& done, std::vector<T>& items)
{
    done.add([&items, size = items.size()]() noexcept {
        items.erase(items.begin() + static_cast<std::ptrdiff_t>(size), items.end());
    });
}

template <class T>
void append(undo_log& done, std::vector<T>& items, const std::vector<T>& more)
{
    if (more.empty())
        return;
    // a range that needs new memory and cannot be copied would take with it what was there
    core::make_room(items, more.size());
    keep_size(done, items);
    items.insert(items.end(), more.begin(), more.end());
}

void append(undo_log& done, boost::json::array& items, const boost::json::array& more)
{
    if (more.empty())
        return;
    done.add([&items, size = items.size()]() noexcept { items.resize(size); });
    for (const auto& item : more)
        items.push_back(item);
}

/// A member of an odd type was kept as it came; what a later chunk told in the right type must not be hidden by it.
void forget(boost::json::object& extra, std::string_view name, bool is_known)
{
    if (is_known)
        extra.erase(name);
}

/// Of a message whose content has come to have parts: they have all of its text, too.
void append_text_part(undo_log& done, std::vector<content_part>& parts, std::string_view text)
{
    if (text.empty())
        return;
    if (parts.empty() || parts.back().type != "text")
    {
        keep_size(done, parts);
        parts.push_back(content_part::text_part({}));
    }
    // parts move when one is added, so the text is known by its place
    done.add(
        [&parts, size = parts.back().text.size()]() noexcept { parts.back().text.resize(size); });
    parts.back().text += text;
}

/// Content with pictures and the like, which a delta keeps as it came. Before the delta's text is added.
void add_parts(undo_log& done, chat_message& message, const chat_delta& delta)
{
    const auto* content = delta.extra.if_contains("content");
    const auto* array = content == nullptr ? nullptr : content->if_array();
    if (array != nullptr && message.parts.empty() && message.content)
        append_text_part(done, message.parts, *message.content);
    if (array == nullptr)
    {
        if (!message.parts.empty() && delta.content)
            append_text_part(done, message.parts, *delta.content);
        return;
    }
    for (const auto& element : *array)
    {
        core::read_context context(0);
        content_part part;
        const core::json_tape tape(element);
        if (!core::read_json(tape.root(), core::json_place(context), part))
            continue;
        if (part.type == "text" && part.extra.empty())
        {
            append_text_part(done, message.parts, part.text);
            continue;
        }
        keep_size(done, message.parts);
        message.parts.push_back(std::move(part));
    }
}

/// A `chat_response` without its metadata: many streams have one at a time, and theirs stands elsewhere.
struct partial_response
{
    std::string id;
    std::string object;
    std::int64_t created = 0;
    std::string model;
    std::vector<chat_choice> choices;
    std::optional<regolo::usage> usage;
    std::string system_fingerprint;
    std::string service_tier;
    boost::json::object extra;
};

/// @param orders  of the tool calls of each choice
chat_response completed(partial_response so_far, std::vector<std::vector<std::size_t>> orders)
{
    // All members are named, so that the compiler sees when one is forgotten.
    auto [id, object, created, model, choices, usage, fingerprint, tier, extra] = std::move(so_far);
    chat_response answer;
    auto& [to_id, to_object, to_created, to_model, to_choices, to_usage, to_fingerprint, to_tier,
           to_extra, no_metadata] = answer;
    to_id = std::move(id);
    to_object = std::move(object);
    to_created = created;
    to_model = std::move(model);
    to_choices = std::move(choices);
    to_usage = std::move(usage);
    to_fingerprint = std::move(fingerprint);
    to_tier = std::move(tier);
    to_extra = std::move(extra);
    static_cast<void>(no_metadata);
    for (std::size_t i = 0; i != orders.size(); ++i)
        tool_call_merger::arrange(answer.choices[i].message.tool_calls, std::move(orders[i]));
    for (auto& choice : answer.choices)
    {
        if (choice.message.role.empty())
            choice.message.role = "assistant";
        // deltas whose parts are not all text keep them there; a message has the text alone
        choice.message.extra.erase("content");
        forget(choice.extra, "message", true);
        forget(choice.extra, "delta", true);
        forget(choice.extra, "finish_reason", !choice.finish_reason.empty());
        forget(choice.extra, "logprobs", choice.logprobs.has_value());
        forget(choice.message.extra, "tool_calls", !choice.message.tool_calls.empty());
    }
    forget(answer.extra, "usage", answer.usage.has_value());
    forget(answer.extra, "choices", true);
    return answer;
}

}  // namespace

/// The answer so far. Its choices are in the order of their index; mergers stand beside them.
struct chat_accumulator::state
{
    explicit state(std::size_t bound) : max_index(bound) {}

    [[nodiscard]] result<void> check(std::string_view what, std::int64_t index) const;
    [[nodiscard]] result<void> check(const chat_chunk& chunk) const;

    [[nodiscard]] std::string* find_growing_text(const chat_chunk& chunk) noexcept;
    [[nodiscard]] std::vector<std::vector<std::size_t>> orders() const;
    [[nodiscard]] std::size_t position_of(std::int64_t index) const;
    void begin_choice(undo_log& done, std::int64_t index);
    void add(undo_log& done, const chunk_choice& choice);
    void add_delta(undo_log& done, std::size_t position, const chat_delta& delta);
    void add_answer(undo_log& done, const chat_chunk& chunk);
    void conclude(const chat_chunk& chunk) noexcept;

    std::size_t max_index;
    partial_response response;
    std::vector<std::unique_ptr<tool_call_merger>> mergers;  // null: no tool calls yet
};

result<void> chat_accumulator::state::check(std::string_view what, std::int64_t index) const
{
    if (index >= 0 && static_cast<std::uint64_t>(index) < max_index)
        return {};
    return core::bad_response(std::string(what) + " index " + std::to_string(index) +
                              " is not below limits::index (" + std::to_string(max_index) + ')');
}

result<void> chat_accumulator::state::check(const chat_chunk& chunk) const
{
    for (const auto& choice : chunk.choices)
    {
        if (auto checked = check("choice", choice.index); !checked)
            return checked;
        for (const auto& call : choice.delta.tool_calls)
            if (auto checked = check("tool call", call.index.value_or(0)); !checked)
                return checked;
    }
    return {};
}

/// Of the tool calls of each choice.
std::vector<std::vector<std::size_t>> chat_accumulator::state::orders() const
{
    std::vector<std::vector<std::size_t>> all;
    all.reserve(mergers.size());
    for (const auto& calls : mergers)
        all.push_back(calls ? calls->order() : std::vector<std::size_t>());
    return all;
}

/// Of the choice of that index, or where it has to be.
std::size_t chat_accumulator::state::position_of(std::int64_t index) const
{
    const auto& choices = response.choices;
    const auto found = std::lower_bound(
        choices.begin(), choices.end(), index,
        [](const chat_choice& choice, std::int64_t wanted) { return choice.index < wanted; });
    return static_cast<std::size_t>(found - choices.begin());
}

void chat_accumulator::state::begin_choice(undo_log& done, std::int64_t index)
{
    auto& choices = response.choices;
    const auto position = position_of(index);
    if (position < choices.size() && choices[position].index == index)
        return;
    core::make_room(mergers, 1);
    core::make_room(choices, 1);
    const auto offset = static_cast<std::ptrdiff_t>(position);
    done.add([this, offset]() noexcept {
        response.choices.erase(response.choices.begin() + offset);
        mergers.erase(mergers.begin() + offset);
    });
    mergers.emplace(mergers.begin() + offset);
    choices.emplace(choices.begin() + offset)->index = index;
}

void chat_accumulator::state::add(undo_log& done, const chunk_choice& choice)
{
    const auto position = position_of(choice.index);
    auto& into = response.choices[position];
    add_delta(done, position, choice.delta);
    keep_last(done, into.finish_reason, choice.finish_reason);
    if (!choice.stop_reason.is_null())
        core::replace(done, into.stop_reason, choice.stop_reason);
    if (choice.logprobs)
    {
        auto& logprobs = started(done, into.logprobs);
        append(done, logprobs.content, choice.logprobs->content);
        append(done, logprobs.refusal, choice.logprobs->refusal);
        merge_members(done, logprobs.extra, choice.logprobs->extra, merge::append_arrays);
    }
    merge_members(done, into.extra, choice.extra, merge::append_arrays);
}

void chat_accumulator::state::add_delta(undo_log& done, std::size_t position,
                                        const chat_delta& delta)
{
    auto& message = response.choices[position].message;
    keep_first(done, message.role, delta.role);
    add_parts(done, message, delta);
    append(done, message.content, delta.content);
    append(done, message.reasoning, delta.reasoning);
    append(done, message.refusal, delta.refusal);
    if (auto& calls = mergers[position]; !delta.tool_calls.empty())
    {
        if (!calls)
            calls = std::make_unique<tool_call_merger>();
        calls->add(done, message.tool_calls, delta.tool_calls);
    }
    if (delta.function_call)
    {
        auto& call = started(done, message.function_call);
        keep_first(done, call.name, delta.function_call->name);
        core::append(done, call.arguments, delta.function_call->arguments);
        merge_members(done, call.extra, delta.function_call->extra, merge::append_all);
    }
    append(done, message.annotations, delta.annotations);
    merge_members(done, message.extra, delta.extra, merge::append_all);
}

void chat_accumulator::state::add_answer(undo_log& done, const chat_chunk& chunk)
{
    keep_first(done, response.id, chunk.id);
    keep_first(done, response.model, chunk.model);
    if (response.object.empty())
    {
        // the answer is what a call without streaming gives
        const bool is_chunk = chunk.object == "chat.completion.chunk";
        keep_first(done, response.object, is_chunk ? "chat.completion" : chunk.object.str());
    }
    keep_last(done, response.system_fingerprint, chunk.system_fingerprint);
    keep_last(done, response.service_tier, chunk.service_tier);
    if (chunk.usage)
        core::replace(done, response.usage, chunk.usage);
    merge_members(done, response.extra, chunk.extra, merge::replace);
}

/// The content that the chunk goes on with, if it brings nothing else that is new, as nearly all chunks do.
std::string* chat_accumulator::state::find_growing_text(const chat_chunk& chunk) noexcept
{
    if (chunk.choices.size() != 1 || response.choices.empty())
        return nullptr;
    const auto& choice = chunk.choices.front();
    const auto& delta = choice.delta;
    auto& into = response.choices.front();
    auto& message = into.message;
    const bool is_text_alone =
        delta.content && choice.index == into.index && choice.finish_reason.empty() &&
        choice.stop_reason.is_null() && !choice.logprobs && choice.extra.empty() &&
        !delta.reasoning && !delta.refusal && delta.tool_calls.empty() && !delta.function_call &&
        delta.annotations.empty() && delta.extra.empty() && !chunk.usage && chunk.extra.empty();
    const auto is_known = [](const std::string& told, const std::string& known) {
        return told.empty() || !known.empty();
    };
    const bool is_all_known =
        message.content && message.parts.empty() && is_known(delta.role, message.role) &&
        is_known(chunk.id, response.id) && is_known(chunk.model, response.model) &&
        is_known(chunk.object, response.object) && (chunk.created == 0 || response.created != 0) &&
        (chunk.system_fingerprint.empty() ||
         chunk.system_fingerprint == response.system_fingerprint) &&
        (chunk.service_tier.empty() || chunk.service_tier == response.service_tier);
    return is_text_alone && is_all_known ? &*message.content : nullptr;
}

/// What is left of the chunk when nothing can go wrong any more.
void chat_accumulator::state::conclude(const chat_chunk& chunk) noexcept
{
    if (response.created == 0)
        response.created = chunk.created;
    for (const auto& choice : chunk.choices)
    {
        if (!choice.delta.extra.contains("content"))
            continue;
        auto& message = response.choices[position_of(choice.index)].message;
        forget(message.extra, "content", !message.parts.empty());
    }
}

chat_accumulator::chat_accumulator(std::size_t max_index)
    : state_(std::make_unique<state>(max_index))
{}

chat_accumulator::~chat_accumulator() = default;
chat_accumulator::chat_accumulator(chat_accumulator&&) noexcept = default;
chat_accumulator& chat_accumulator::operator=(chat_accumulator&&) noexcept = default;

std::string* chat_accumulator::find_growing_text(const chat_chunk& chunk) noexcept
{
    return state_->find_growing_text(chunk);
}

result<void> chat_accumulator::add(const chat_chunk& chunk)
{
    if (auto* const text = find_growing_text(chunk))
    {
        text->append(*chunk.choices.front().delta.content);
        return {};
    }
    if (auto checked = state_->check(chunk); !checked)
        return checked;
    undo_log done;
    // all at first, since the log knows the choices by their address
    for (const auto& choice : chunk.choices)
        state_->begin_choice(done, choice.index);
    state_->add_answer(done, chunk);
    for (const auto& choice : chunk.choices)
        state_->add(done, choice);
    done.commit();
    state_->conclude(chunk);
    return {};
}

chat_response chat_accumulator::response() const
{
    return completed(state_->response, state_->orders());
}

chat_response chat_accumulator::take()
{
    auto orders = state_->orders();
    auto taken = std::make_unique<state>(state_->max_index);
    taken.swap(state_);
    return completed(std::move(taken->response), std::move(orders));
}

std::string_view chat_accumulator::text() const noexcept
{
    const auto& choices = state_->response.choices;
    const bool has_text =
        !choices.empty() && choices.front().index == 0 && choices.front().message.content;
    return has_text ? std::string_view(*choices.front().message.content) : std::string_view();
}

answer_doubts chat_accumulator::doubts(std::string_view model_asked) const noexcept
{
    return core::find_doubts(state_->response.choices, state_->response.model, model_asked);
}

bool chat_accumulator::finished() const noexcept
{
    const auto& choices = state_->response.choices;
    return !choices.empty() && std::all_of(choices.begin(), choices.end(), [](const auto& choice) {
        return !choice.finish_reason.empty();
    });
}

}  // namespace regolo::inline v0
