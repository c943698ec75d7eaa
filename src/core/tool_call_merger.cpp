#include "core/tool_call_merger.hpp"

#include "core/json_merge.hpp"
#include "core/make_room.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

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
    const auto position = found < calls.size() ? found : begin(done, calls, delta.index);
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

std::size_t tool_call_merger::begin(undo_log& done, call_list& calls,
                                    const std::optional<std::int64_t>& index)
{
    done.add([this, &calls, highest = highest_, last = last_]() noexcept {
        calls.pop_back();
        indices_.pop_back();
        highest_ = highest;
        last_ = last;
    });
    // there is room for both
    indices_.push_back(index.value_or(highest_));
    calls.emplace_back();
    highest_ = std::max(highest_, indices_.back());
    last_ = calls.size() - 1;
    return last_;
}

std::vector<std::size_t> tool_call_merger::order() const
{
    std::vector<std::size_t> places;
    if (std::is_sorted(indices_.begin(), indices_.end()))
        return places;
    places.resize(indices_.size());
    std::iota(places.begin(), places.end(), std::size_t{0});
    std::stable_sort(places.begin(), places.end(),
                     [this](std::size_t a, std::size_t b) { return indices_[a] < indices_[b]; });
    return places;
}

void tool_call_merger::arrange(call_list& calls, std::vector<std::size_t> order) noexcept
{
    for (std::size_t i = 0; i != order.size(); ++i)
    {
        // each round of places that take each other's calls
        auto place = i;
        while (order[place] != i)
        {
            const auto next = std::exchange(order[place], place);
            std::swap(calls[place], calls[next]);
            place = next;
        }
        order[place] = place;
    }
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
