#include <regolo/model.hpp>

#include <algorithm>

namespace regolo::inline v0 {

bool model_list::contains(std::string_view id) const noexcept
{
    return std::any_of(data.begin(), data.end(), [id](const model& one) { return one.id == id; });
}

}  // namespace regolo::inline v0
