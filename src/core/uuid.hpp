#pragma once

#include <array>
#include <string>

namespace regolo::core {

/// A version 4 UUID (RFC 9562) in lower case, made of the caller's random bytes.
std::string make_uuid(std::array<unsigned char, 16> random);

}  // namespace regolo::core
