#include "core/http_message.hpp"
#include "core/text.hpp"

#include <regolo/headers.hpp>

namespace regolo::inline v0 {

std::optional<std::string_view> find_header(const std::vector<header>& fields,
                                            std::string_view name) noexcept
{
    for (const header& field : fields)
    {
        if (core::iequals(field.name, name))
        {
            return field.value;
        }
    }
    return std::nullopt;
}

}  // namespace regolo::inline v0
