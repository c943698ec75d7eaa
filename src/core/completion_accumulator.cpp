#include "core/completion_accumulator.hpp"

#include "core/json_merge.hpp"

#include <algorithm>
#include <utility>

namespace regolo::core {

namespace {

completion_choice& choice_of(completion_response& answer, std::int64_t index)
{
    auto& choices = answer.choices;
    const auto found = std::find_if(choices.begin(), choices.end(),
                                    [&](const auto& choice) { return choice.index >= index; });
    if (found != choices.end() && found->index == index)
        return *found;
    const auto added = choices.insert(found, completion_choice());
    added->index = index;
    return *added;
}

void add_choice(completion_choice& into, const completion_choice& piece)
{
    into.text += piece.text;
    keep_last(into.finish_reason, piece.finish_reason);
    if (!piece.stop_reason.is_null())
        into.stop_reason = piece.stop_reason;
    // lists of tokens, of their probabilities and so on, which go on with each chunk
    merge_value(into.logprobs, piece.logprobs, merge::append_arrays);
    merge_members(into.extra, piece.extra, merge::append_arrays);
}

}  // namespace

void completion_accumulator::add(const completion_chunk& chunk)
{
    keep_first(answer_.id, chunk.id);
    keep_first(answer_.model, chunk.model);
    keep_first(answer_.object, chunk.object);
    if (answer_.created == 0)
        answer_.created = chunk.created;
    keep_last(answer_.system_fingerprint, chunk.system_fingerprint);
    if (chunk.usage)
        answer_.usage = chunk.usage;
    merge_members(answer_.extra, chunk.extra, merge::replace);
    for (const auto& piece : chunk.choices)
        add_choice(choice_of(answer_, piece.index), piece);
}

completion_response completion_accumulator::take()
{
    return std::exchange(answer_, completion_response());
}

std::string_view completion_accumulator::text() const noexcept
{
    const bool has_first = !answer_.choices.empty() && answer_.choices.front().index == 0;
    return has_first ? std::string_view(answer_.choices.front().text) : std::string_view();
}

}  // namespace regolo::core
