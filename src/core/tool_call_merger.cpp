#include "core/tool_call_merger.hpp"

#include "core/json_merge.hpp"

#include <algorithm>

namespace regolo::core {

namespace {

bool is_other(const std::string& text, const std::string& known) noexcept
{
    return !text.empty() && !known.empty() && text != known;
}

}  // namespace

void tool_call_merger::add(const std::vector<tool_call_delta>& deltas)
{
    for (const auto& delta : deltas)
        add(delta, &delta == &deltas.front());
}

void tool_call_merger::add(const tool_call_delta& delta, bool first)
{
    const auto found = find(delta, first);
    const auto position = found < calls_->size() ? found : insert(delta.index);
    auto& call = (*calls_)[position];
    if (delta.index)
        of_index_[*delta.index] = position;
    if (!delta.id.empty())
        of_id_.emplace(delta.id, position);
    keep_first(call.id, delta.id);
    keep_first(call.name, delta.name);
    if (!delta.type.empty())
        call.type = delta.type;
    call.arguments += delta.arguments;
    merge_members(call.function_extra, delta.function_extra, merge::append_all);
    merge_members(call.extra, delta.extra, merge::append_all);
}

std::size_t tool_call_merger::insert(const std::optional<std::int64_t>& index)
{
    const auto last = indices_.empty() ? 0 : indices_.back();
    const auto place = std::upper_bound(indices_.begin(), indices_.end(), index.value_or(last));
    const auto position = static_cast<std::size_t>(place - indices_.begin());
    indices_.insert(place, index.value_or(last));
    calls_->emplace(calls_->begin() + static_cast<std::ptrdiff_t>(position));
    const auto make_room = [position](auto& positions) {
        for (auto& [key, other] : positions)
            other += other >= position ? 1 : 0;
    };
    if (position + 1 < calls_->size())
    {
        make_room(of_index_);
        make_room(of_id_);
    }
    last_ = position;
    return position;
}

std::size_t tool_call_merger::find(const tool_call_delta& delta, bool first) const
{
    const auto none = calls_->size();
    if (delta.index)
    {
        const auto found = of_index_.find(*delta.index);
        if (found == of_index_.end())
            return none;
        // some give all calls the index 0: another id is another call, and another name behind arguments
        const auto& known_call = (*calls_)[found->second];
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
        return none != 0 && (*calls_)[last_].id.empty() && delta.name.empty() ? last_ : none;
    }
    const bool is_further = !first && !delta.name.empty();
    return none == 0 || is_further || begins_anew(delta) ? none : last_;
}

bool tool_call_merger::begins_anew(const tool_call_delta& delta) const noexcept
{
    const auto& last = (*calls_)[last_];
    if (delta.name.empty() || last.name.empty())
        return false;
    if (delta.name != last.name)
        return true;
    return last.arguments.ends_with('}') && delta.arguments.starts_with('{');
}

}  // namespace regolo::core
