#include <regolo/model_info.hpp>

#include <algorithm>

namespace regolo::inline v0 {

namespace {

template <class Items, class Member>
auto find_by(const Items& items, Member member, std::string_view value) noexcept
{
    const auto found = std::find_if(items.begin(), items.end(),
                                    [&](const auto& each) { return each.*member == value; });
    return found == items.end() ? nullptr : &*found;
}

}  // namespace

const model_deployment* model_info_list::find(std::string_view model_name) const noexcept
{
    return find_by(data, &model_deployment::model_name, model_name);
}

const model_group* model_group_list::find(std::string_view name) const noexcept
{
    return find_by(data, &model_group::name, name);
}

bool supported_parameters::contains(std::string_view name) const noexcept
{
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace regolo::inline v0
