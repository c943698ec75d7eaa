#include "core/tool_call_merger.hpp"

#include "core/json_merge.hpp"

namespace regolo::core {

namespace {

bool is_other(const std::string& id, const std::string& known) noexcept
{
    return !id.empty() && !known.empty() && id != known;
}

}  // namespace

void tool_call_merger::add(const tool_call_delta& delta)
{
    const auto position = find(delta);
    auto& call = position < calls_->size() ? (*calls_)[position] : calls_->emplace_back();
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
        return none != 0 && calls_->back().id.empty() && delta.name.empty() ? none - 1 : none;
    }
    return none == 0 || begins_anew(delta) ? none : none - 1;
}

bool tool_call_merger::begins_anew(const tool_call_delta& delta) const noexcept
{
    const auto& last = calls_->back();
    if (delta.name.empty() || last.name.empty())
        return false;
    if (delta.name != last.name)
        return true;
    return last.arguments.ends_with('}') && delta.arguments.starts_with('{');
}

}  // namespace regolo::core
