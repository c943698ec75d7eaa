#include "core/tool_call_merger.hpp"

#include "core/json_merge.hpp"

#include <algorithm>

namespace regolo::core {

namespace {

bool is_other(const std::string& id, const std::string& known) noexcept
{
    return !id.empty() && !known.empty() && id != known;
}

}  // namespace

void tool_call_merger::add(const tool_call_delta& delta)
{
    const auto found = find(delta);
    const auto position = found < calls_->size() ? found : insert(delta.index);
    last_ = position;
    auto& call = (*calls_)[position];
    if (delta.index)
        of_index_[*delta.index] = position;
    if (!delta.id.empty())
        of_id_.emplace(delta.id, position);
    keep_first(call.id, delta.id);
    join_name(call.name, delta.name);
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
    make_room(of_index_);
    make_room(of_id_);
    return position;
}

std::size_t tool_call_merger::find(const tool_call_delta& delta) const
{
    const auto none = calls_->size();
    if (delta.index)
    {
        const auto found = of_index_.find(*delta.index);
        if (found == of_index_.end())
            return none;
        // some give all calls the index 0: another id is another call
        if (!is_other(delta.id, (*calls_)[found->second].id))
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
    return none == 0 || begins_anew(delta) ? none : last_;
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
