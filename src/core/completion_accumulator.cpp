#include "core/completion_accumulator.hpp"

#include "core/json_merge.hpp"
#include "core/make_room.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace regolo::core {

namespace {

/// The choice of that index, or the one in front of which it has to be.
template <class Choices>
auto find_choice(Choices& choices, std::int64_t index) noexcept
{
    return std::find_if(choices.begin(), choices.end(),
                        [&](const auto& choice) { return choice.index >= index; });
}

void begin_choice(undo_log& done, std::vector<completion_choice>& choices, std::int64_t index)
{
    const auto position = find_choice(choices, index) - choices.begin();
    if (static_cast<std::size_t>(position) < choices.size() &&
        choices[static_cast<std::size_t>(position)].index == index)
        return;
    make_room(choices, 1);
    done.add([&choices, position]() noexcept { choices.erase(choices.begin() + position); });
    choices.emplace(choices.begin() + position)->index = index;
}

void add_choice(undo_log& done, completion_choice& into, const completion_choice& piece)
{
    append(done, into.text, piece.text);
    keep_last(done, into.finish_reason, piece.finish_reason);
    if (!piece.stop_reason.is_null())
        replace(done, into.stop_reason, piece.stop_reason);
    // lists of tokens, of their probabilities and so on, which go on with each chunk
    merge_value(done, into.logprobs, piece.logprobs, merge::append_arrays);
    merge_members(done, into.extra, piece.extra, merge::append_arrays);
}

}  // namespace

void completion_accumulator::add(const completion_chunk& chunk)
{
    undo_log done;
    // all at first, since the log knows the choices by their address
    for (const auto& piece : chunk.choices)
        begin_choice(done, answer_.choices, piece.index);
    keep_first(done, answer_.id, chunk.id);
    keep_first(done, answer_.model, chunk.model);
    keep_first(done, answer_.object, chunk.object);
    keep_last(done, answer_.system_fingerprint, chunk.system_fingerprint);
    if (chunk.usage)
        replace(done, answer_.usage, chunk.usage);
    merge_members(done, answer_.extra, chunk.extra, merge::replace);
    for (const auto& piece : chunk.choices)
        add_choice(done, *find_choice(answer_.choices, piece.index), piece);
    done.commit();
    if (answer_.created == 0)
        answer_.created = chunk.created;
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
