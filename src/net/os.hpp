#pragma once

#include "net/world.hpp"

#include <cstdint>
#include <optional>

/** @file
    The operating system, as far as Asio does not cover it. The one file to port; every function has a fallback that does
    less but is right.
*/

namespace regolo::net::os {

/// TCP keepalive after 60 s of silence, every 15 s, 5 times, and the same bound (135 s) for unacknowledged data: a
/// connection that a NAT has forgotten is noticed.
void enable_keepalive(tcp::socket& socket) noexcept;

/// Looks at what a socket has received, without taking it or blocking.
byte_stream::silence peek(tcp::socket& socket) noexcept;

/// How many bytes the peer's system has acknowledged so far; nothing where this system does not tell.
std::optional<std::uint64_t> acknowledged(tcp::socket& socket) noexcept;

}  // namespace regolo::net::os
