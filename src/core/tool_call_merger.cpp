#include "core/tool_call_merger.hpp"

#include "core/json_merge.hpp"
#include "core/make_room.hpp"

#include <algorithm>

namespace regolo::core {

namespace {

bool is_other(const std::string& text, const std::string& known) noexcept
{
    return !text.empty() && !known.empty() && text != known;
}

}  // namespace

void tool_call_merger::add(undo_log& done, std::vector<tool_call>& calls,
                           const std::vector<tool_call_delta>& deltas)
{
    if (deltas.empty())
        return;
    // for all of them at once, since the log knows the calls by their address
    make_room(calls, deltas.size());
    make_room(indices_, deltas.size());
    for (const auto& delta : deltas)
        add(done, calls, delta, &delta == &deltas.front());
}

void tool_call_merger::add(undo_log& done, call_list& calls, const tool_call_delta& delta,
                           bool first)
{
    const auto found = find(calls, delta, first);
    const auto position = found < calls.size() ? found : insert(done, calls, delta.index);
    auto& call = calls[position];
    if (delta.index)
        set_index(done, *delta.index, position);
    if (!delta.id.empty())
        set_id(done, delta.id, position);
    keep_first(done, call.id, delta.id);
    keep_first(done, call.name, delta.name);
    keep_last(done, call.type, delta.type);
    append(done, call.arguments, delta.arguments);
    merge_members(done, call.function_extra, delta.function_extra, merge::append_all);
    merge_members(done, call.extra, delta.extra, merge::append_all);
}

std::size_t tool_call_merger::insert(undo_log& done, call_list& calls,
                                     const std::optional<std::int64_t>& index)
{
    const auto last = indices_.empty() ? 0 : indices_.back();
    const auto place = std::upper_bound(indices_.begin(), indices_.end(), index.value_or(last));
    const auto position = static_cast<std::size_t>(place - indices_.begin());
    done.add(
        [this, &calls, position, begun = last_]() noexcept { take_out(calls, position, begun); });
    // there is room for both
    indices_.insert(place, index.value_or(last));
    calls.emplace(calls.begin() + static_cast<std::ptrdiff_t>(position));
    const auto shift = [position](auto& positions) {
        for (auto& [key, other] : positions)
            other += other >= position ? 1 : 0;
    };
    if (position + 1 < calls.size())
    {
        shift(of_index_);
        shift(of_id_);
    }
    last_ = position;
    return position;
}

/// The inverse of `insert`, where nothing refers to the call.
void tool_call_merger::take_out(call_list& calls, std::size_t position, std::size_t last) noexcept
{
    const auto shift_back = [position](auto& positions) {
        for (auto& [key, other] : positions)
            other -= other > position ? 1 : 0;
    };
    if (position + 1 < calls.size())
    {
        shift_back(of_index_);
        shift_back(of_id_);
    }
    indices_.erase(indices_.begin() + static_cast<std::ptrdiff_t>(position));
    calls.erase(calls.begin() + static_cast<std::ptrdiff_t>(position));
    last_ = last;
}

void tool_call_merger::set_index(undo_log& done, std::int64_t index, std::size_t position)
{
    const auto known = of_index_.find(index);
    if (known == of_index_.end())
    {
        done.add([this, index]() noexcept { of_index_.erase(index); });
        of_index_.emplace(index, position);
    }
    else if (known->second != position)
    {
        done.add([this, index, before = known->second]() noexcept {
            of_index_.find(index)->second = before;
        });
        known->second = position;
    }
}

void tool_call_merger::set_id(undo_log& done, const std::string& id, std::size_t position)
{
    if (of_id_.contains(id))
        return;
    done.add([this, &id]() noexcept { of_id_.erase(id); });
    of_id_.emplace(id, position);
}

std::size_t tool_call_merger::find(const call_list& calls, const tool_call_delta& delta,
                                   bool first) const
{
    const auto none = calls.size();
    if (delta.index)
    {
        const auto found = of_index_.find(*delta.index);
        if (found == of_index_.end())
            return none;
        // some give all calls the index 0: another id is another call, and another name behind arguments
        const auto& known_call = calls[found->second];
        if (delta.id.empty() && is_other(delta.name, known_call.name) &&
            !known_call.arguments.empty())
            return none;
        if (!is_other(delta.id, known_call.id))
            return found->second;
        const auto known = of_id_.find(delta.id);
        return known == of_id_.end() ? none : known->second;
    }
    if (!delta.id.empty())
    {
        if (const auto found = of_id_.find(delta.id); found != of_id_.end())
            return found->second;
        return none != 0 && calls[last_].id.empty() && delta.name.empty() ? last_ : none;
    }
    const bool is_further = !first && !delta.name.empty();
    return none == 0 || is_further || begins_anew(calls, delta) ? none : last_;
}

bool tool_call_merger::begins_anew(const call_list& calls,
                                   const tool_call_delta& delta) const noexcept
{
    const auto& last = calls[last_];
    if (delta.name.empty() || last.name.empty())
        return false;
    if (delta.name != last.name)
        return true;
    return last.arguments.ends_with('}') && delta.arguments.starts_with('{');
}

}  // namespace regolo::core
