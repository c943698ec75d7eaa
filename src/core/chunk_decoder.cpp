#include "core/chunk_decoder.hpp"

#include "core/api_error.hpp"
#include "core/chat_codec.hpp"
#include "core/completion_codec.hpp"
#include "core/utf8.hpp"

#include <algorithm>
#include <utility>

namespace regolo::core {

namespace {

using field = surrogate_joiner::field;

std::int64_t tool_of(const tool_call_delta& call) noexcept { return call.index.value_or(-1); }

// A half whose other one never came: the text that waited for it ends here.
void append_replacement(chat_delta& delta, const surrogate_joiner::place& where)
{
    const auto append = [](std::optional<std::string>& text) {
        if (!text)
            text.emplace();
        text->append(replacement);
    };
    switch (where.field)
    {
        case field::content:
            append(delta.content);
            return;
        case field::reasoning:
            append(delta.reasoning);
            return;
        case field::refusal:
            append(delta.refusal);
            return;
        case field::function_call:
            if (!delta.function_call)
                delta.function_call.emplace();
            delta.function_call->arguments.append(replacement);
            return;
        case field::arguments:
            break;
    }
    auto& calls = delta.tool_calls;
    const auto last = std::find_if(calls.rbegin(), calls.rend(), [&](const tool_call_delta& call) {
        return tool_of(call) == where.tool;
    });
    if (last != calls.rend())
    {
        last->arguments.append(replacement);
        return;
    }
    auto& call = calls.emplace_back();
    if (where.tool >= 0)
        call.index = where.tool;
    call.arguments = replacement;
}

// A choice ends: nothing it waits for comes any more.
void release_choice(surrogate_joiner& joiner, chunk_choice& choice)
{
    for (const auto& where : joiner.release(choice.index))
        append_replacement(choice.delta, where);
}

void release_choice(surrogate_joiner& joiner, completion_choice& choice)
{
    if (!joiner.release(choice.index).empty())
        choice.text.append(replacement);
}

void join_choice(surrogate_joiner& joiner, chunk_choice& choice, bool has_stand_ins)
{
    auto& delta = choice.delta;
    const auto join = [&](field which, std::int64_t tool, std::string& text) {
        joiner.join({choice.index, which, tool}, text, has_stand_ins);
    };
    if (delta.content)
        join(field::content, 0, *delta.content);
    if (delta.reasoning)
        join(field::reasoning, 0, *delta.reasoning);
    if (delta.refusal)
        join(field::refusal, 0, *delta.refusal);
    if (delta.function_call)
        join(field::function_call, 0, delta.function_call->arguments);
    for (auto& call : delta.tool_calls)
        join(field::arguments, tool_of(call), call.arguments);
    if (!choice.finish_reason.empty())
        release_choice(joiner, choice);
}

void join_choice(surrogate_joiner& joiner, completion_choice& choice, bool has_stand_ins)
{
    joiner.join({choice.index, field::content, 0}, choice.text, has_stand_ins);
    if (!choice.finish_reason.empty())
        release_choice(joiner, choice);
}

// What nearly all chunks of a stream have in common.
std::array<shared_string*, 5> texts_in_common(chat_chunk& chunk) noexcept
{
    return {&chunk.id, &chunk.object, &chunk.model, &chunk.system_fingerprint, &chunk.service_tier};
}

std::array<shared_string*, 4> texts_in_common(completion_chunk& chunk) noexcept
{
    return {&chunk.id, &chunk.object, &chunk.model, &chunk.system_fingerprint};
}

template <class Chunk>
bool has_texts(Chunk& chunk) noexcept
{
    const auto texts = texts_in_common(chunk);
    return std::any_of(texts.begin(), texts.end(), [](const auto* text) { return !text->empty(); });
}

}  // namespace

template <class Chunk>
result<void> chunk_decoder<Chunk>::decode(std::string_view data, Chunk& out)
{
    has_next_ = false;
    if (is_fast_ && joiner_.empty() && template_.read(data, out))
        return {};
    const bool is_new = !has_texts(out);
    if (is_new)
        lend_texts(out);
    auto done = read(data, out);
    if (is_new && done)
        keep_texts(out);
    else if (is_new)
        for (auto* text : texts_in_common(out))
            text->clear();
    if (done && is_fast_ && !has_next_)
        learn(data);
    return done;
}

/// Of what an event says again nothing new is made then.
template <class Chunk>
void chunk_decoder<Chunk>::lend_texts(Chunk& out) const noexcept
{
    const auto texts = texts_in_common(out);
    for (std::size_t i = 0; i != texts.size(); ++i)
        *texts[i] = shared_[i];
}

template <class Chunk>
void chunk_decoder<Chunk>::keep_texts(Chunk& read) noexcept
{
    const auto texts = texts_in_common(read);
    for (std::size_t i = 0; i != texts.size(); ++i)
        shared_[i] = *texts[i];
}

/// Reads any event, the plain way.
template <class Chunk>
result<void> chunk_decoder<Chunk>::read(std::string_view data, Chunk& out)
{
    json_tape tape;
    const auto document = parser_.parse(data, tape, true);
    if (!document)
        return document.error();
    if (is_error_frame(*document))
        return read_error(*document);
    read_context context(max_index_);
    read_json(*document, json_place(context), out);
    if (context.failed())
        return context.take_failure();
    if (parser_.has_kept_surrogates() || !joiner_.empty())
    {
        next_ = joiner_;
        join_surrogates(out);
        has_next_ = true;
    }
    return {};
}

template <class Chunk>
error_info chunk_decoder<Chunk>::read_error(json_view frame) const
{
    if (!parser_.has_kept_surrogates())
        return decode_error_frame(frame, error_place::stream);
    auto json = frame.to_value();
    replace_stand_ins(json);
    return decode_error_frame(json_tape(json).root(), error_place::stream);
}

/// Events like this one may follow.
template <class Chunk>
void chunk_decoder<Chunk>::learn(std::string_view data)
{
    const auto proposal = template_.propose(data);
    if (proposal.empty())
        return;
    Chunk marked;
    lend_texts(marked);
    if (read(proposal, marked) && !has_next_)
        template_.accept(std::move(marked));
    has_next_ = false;
}

template <class Chunk>
void chunk_decoder<Chunk>::commit() noexcept
{
    if (has_next_)
        std::swap(joiner_, next_);
    has_next_ = false;
}

template <class Chunk>
bool chunk_decoder<Chunk>::is_whole_answer(std::string_view data)
{
    json_tape tape;
    const auto document = parser_.parse(data, tape, true);
    const auto choices = document ? document->find("choices") : json_view();
    if (!choices || !choices.is_array())
        return false;
    return choices.size() == 0 || (*choices.elements().begin()).find("message");
}

template <class Chunk>
bool chunk_decoder<Chunk>::release(Chunk& out)
{
    if (joiner_.empty())
        return false;
    out = Chunk();
    auto waiting = joiner_;
    while (!waiting.empty())
    {
        auto& choice = out.choices.emplace_back();
        choice.index = waiting.waiting_choice();
        release_choice(waiting, choice);
    }
    reset();
    return true;
}

template <class Chunk>
void chunk_decoder<Chunk>::join_surrogates(Chunk& out)
{
    const bool has_stand_ins = parser_.has_kept_surrogates();
    for (auto& choice : out.choices)
        join_choice(next_, choice, has_stand_ins);
    if (has_stand_ins)
        replace_others(out);
}

// Ids, log-probabilities and unknown members do not go on in the next chunk. Rare enough to take the
// way through JSON, which reaches every one of them.
template <class Chunk>
void chunk_decoder<Chunk>::replace_others(Chunk& out) const
{
    auto json = to_json(out);
    replace_stand_ins(json);
    const json_tape tape(json);
    read_context context(max_index_);
    read_json(tape.root(), json_place(context), out);
}

template class chunk_decoder<chat_chunk>;
template class chunk_decoder<completion_chunk>;

}  // namespace regolo::core
