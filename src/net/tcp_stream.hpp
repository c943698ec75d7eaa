#pragma once

#include "net/world.hpp"

#include <memory>

namespace regolo::net {

/// The bytes of a plain TCP connection.
std::unique_ptr<byte_stream> make_tcp_stream(tcp::socket socket);

}  // namespace regolo::net
