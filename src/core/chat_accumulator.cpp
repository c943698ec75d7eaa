#include "core/content_codec.hpp"
#include "core/find_doubts.hpp"
#include "core/json_merge.hpp"
#include "core/json_reader.hpp"
#include "core/tool_call_merger.hpp"

#include <regolo/chat_accumulator.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace regolo::inline v0 {

using core::keep_first;
using core::keep_last;
using core::merge;
using core::merge_members;
using core::tool_call_merger;

namespace {

void append(std::optional<std::string>& text, const std::optional<std::string>& piece)
{
    if (!piece)
        return;
    if (text)
        *text += *piece;
    else
        text = piece;
}

template <class T>
void append(std::vector<T>& items, const std::vector<T>& more)
{
    items.insert(items.end(), more.begin(), more.end());
}

/// A member of an odd type was kept as it came; what a later chunk told in the right type must not be hidden by it.
void forget(boost::json::object& extra, std::string_view name, bool is_known)
{
    if (is_known)
        extra.erase(name);
}

/// Of a message whose content has come to have parts: they have all of its text, too.
void append_text_part(std::vector<content_part>& parts, std::string_view text)
{
    if (text.empty())
        return;
    if (parts.empty() || parts.back().type != "text")
        parts.push_back(content_part::text_part({}));
    parts.back().text += text;
}

/// Content with pictures and the like, which a delta keeps as it came. Before the delta's text is added.
void add_parts(chat_message& message, const chat_delta& delta)
{
    const auto* content = delta.extra.if_contains("content");
    const auto* array = content == nullptr ? nullptr : content->if_array();
    if (array != nullptr && message.parts.empty() && message.content)
        append_text_part(message.parts, *message.content);
    if (array == nullptr)
    {
        if (!message.parts.empty() && delta.content)
            append_text_part(message.parts, *delta.content);
        return;
    }
    for (const auto& element : *array)
    {
        core::read_context context(0);
        content_part part;
        if (!core::read_json(element, core::json_place(context), part))
            continue;
        if (part.type == "text" && part.extra.empty())
            append_text_part(message.parts, part.text);
        else
            message.parts.push_back(std::move(part));
    }
}

chat_response completed(chat_response answer)
{
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

    std::size_t position_of(std::int64_t index);
    void add(const chunk_choice& choice);
    void add_delta(std::size_t position, const chat_delta& delta);
    void add_answer(const chat_chunk& chunk);

    std::size_t max_index;
    chat_response response;
    std::vector<tool_call_merger> mergers;
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

std::size_t chat_accumulator::state::position_of(std::int64_t index)
{
    auto& choices = response.choices;
    const auto found = std::lower_bound(
        choices.begin(), choices.end(), index,
        [](const chat_choice& choice, std::int64_t wanted) { return choice.index < wanted; });
    const auto position = static_cast<std::size_t>(found - choices.begin());
    if (found != choices.end() && found->index == index)
        return position;
    const auto added = choices.emplace(found);
    added->index = index;
    mergers.emplace(mergers.begin() + (added - choices.begin()), added->message.tool_calls);
    // the choices behind it, or all of them, have moved
    for (std::size_t i = 0; i < choices.size(); ++i)
        mergers[i].moved_to(choices[i].message.tool_calls);
    return position;
}

void chat_accumulator::state::add(const chunk_choice& choice)
{
    const auto position = position_of(choice.index);
    auto& into = response.choices[position];
    add_delta(position, choice.delta);
    keep_last(into.finish_reason, choice.finish_reason);
    if (!choice.stop_reason.is_null())
        into.stop_reason = choice.stop_reason;
    if (choice.logprobs)
    {
        if (!into.logprobs)
            into.logprobs.emplace();
        append(into.logprobs->content, choice.logprobs->content);
        append(into.logprobs->refusal, choice.logprobs->refusal);
        merge_members(into.logprobs->extra, choice.logprobs->extra, merge::append_arrays);
    }
    merge_members(into.extra, choice.extra, merge::append_arrays);
}

void chat_accumulator::state::add_delta(std::size_t position, const chat_delta& delta)
{
    auto& message = response.choices[position].message;
    keep_first(message.role, delta.role);
    add_parts(message, delta);
    append(message.content, delta.content);
    append(message.reasoning, delta.reasoning);
    append(message.refusal, delta.refusal);
    mergers[position].add(delta.tool_calls);
    if (delta.function_call)
    {
        if (!message.function_call)
            message.function_call.emplace();
        keep_first(message.function_call->name, delta.function_call->name);
        message.function_call->arguments += delta.function_call->arguments;
        merge_members(message.function_call->extra, delta.function_call->extra, merge::append_all);
    }
    for (const auto& annotation : delta.annotations)
        message.annotations.push_back(annotation);
    merge_members(message.extra, delta.extra, merge::append_all);
    forget(message.extra, "content", !message.parts.empty());
}

void chat_accumulator::state::add_answer(const chat_chunk& chunk)
{
    keep_first(response.id, chunk.id);
    keep_first(response.model, chunk.model);
    if (response.created == 0)
        response.created = chunk.created;
    if (response.object.empty())
    {
        // the answer is what a call without streaming gives
        response.object =
            chunk.object == "chat.completion.chunk" ? "chat.completion" : chunk.object;
    }
    keep_last(response.system_fingerprint, chunk.system_fingerprint);
    keep_last(response.service_tier, chunk.service_tier);
    if (chunk.usage)
        response.usage = chunk.usage;
    merge_members(response.extra, chunk.extra, merge::replace);
}

chat_accumulator::chat_accumulator(std::size_t max_index)
    : state_(std::make_unique<state>(max_index))
{}

chat_accumulator::~chat_accumulator() = default;
chat_accumulator::chat_accumulator(chat_accumulator&&) noexcept = default;
chat_accumulator& chat_accumulator::operator=(chat_accumulator&&) noexcept = default;

result<void> chat_accumulator::add(const chat_chunk& chunk)
{
    if (auto checked = state_->check(chunk); !checked)
        return checked;
    state_->add_answer(chunk);
    for (const auto& choice : chunk.choices)
        state_->add(choice);
    return {};
}

chat_response chat_accumulator::response() const { return completed(state_->response); }

chat_response chat_accumulator::take()
{
    auto answer = completed(std::move(state_->response));
    state_ = std::make_unique<state>(state_->max_index);
    return answer;
}

std::string_view chat_accumulator::text() const noexcept
{
    const auto& choices = state_->response.choices;
    const bool has_first = !choices.empty() && choices.front().index == 0;
    return has_first ? std::string_view(state_->response.text()) : std::string_view();
}

answer_doubts chat_accumulator::doubts(std::string_view model_asked) const noexcept
{
    return core::find_doubts(state_->response, model_asked);
}

bool chat_accumulator::finished() const noexcept
{
    const auto& choices = state_->response.choices;
    return !choices.empty() && std::all_of(choices.begin(), choices.end(), [](const auto& choice) {
        return !choice.finish_reason.empty();
    });
}

}  // namespace regolo::inline v0
