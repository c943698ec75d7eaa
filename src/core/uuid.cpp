#include "core/uuid.hpp"

#include <cstddef>
#include <string_view>

namespace regolo::core {

std::string make_uuid(std::array<unsigned char, 16> random)
{
    constexpr std::string_view hex = "0123456789abcdef";
    random[6] = static_cast<unsigned char>((random[6] & 0x0f) | 0x40);  // version 4
    random[8] = static_cast<unsigned char>((random[8] & 0x3f) | 0x80);  // variant of the RFC
    std::string text(36, '-');
    std::size_t at = 0;
    for (std::size_t i = 0; i < random.size(); ++i)
    {
        if (i == 4 || i == 6 || i == 8 || i == 10)
        {
            ++at;
        }
        text[at++] = hex[random[i] >> 4];
        text[at++] = hex[random[i] & 15];
    }
    return text;
}

}  // namespace regolo::core
