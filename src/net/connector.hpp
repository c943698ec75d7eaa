#pragma once

#include "net/scope.hpp"
#include "net/world.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <vector>

namespace regolo::net {

/// The order of RFC 8305, section 4: as the resolver gave them, the address families taking turns.
std::vector<tcp::endpoint> interleave(std::vector<tcp::endpoint> addresses);

/** Connects to the first address that answers ("happy eyeballs", RFC 8305): the next one is tried when `delay` has passed
    or one has failed, without giving up on those under way.

    Runs on the strand of `owner`, whose end closes every socket at once. Fails with the first address's error.
*/
asio::awaitable<tcp::socket> connect_any(std::shared_ptr<scope> owner,
                                         asio::any_io_executor sockets_on,
                                         std::vector<tcp::endpoint> addresses,
                                         std::chrono::milliseconds delay);

}  // namespace regolo::net
