#include <regolo/version.hpp>

#include <string>

namespace regolo::inline v0 {

std::string_view version() noexcept
{
    static const std::string text = std::to_string(version_major) + '.' +
                                    std::to_string(version_minor) + '.' +
                                    std::to_string(version_patch);
    return text;
}

const char detail::this_boost_abi::tag = 0;

}  // namespace regolo::inline v0
