#pragma once

#include "core/proxy.hpp"
#include "net/scope.hpp"
#include "net/world.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <memory>
#include <string>

namespace regolo::net {

/** Asks the proxy behind that socket for a way through to a server (CONNECT), and gives the socket back, over which one then
    speaks with the server.

    Runs on the strand of `owner`, whose end closes the socket at once. `proxy` must live until then.
    @throws error  `errc::proxy_refused`; `host_unreachable` where the proxy could not get there; what the connection gave
*/
asio::awaitable<tcp::socket> open_tunnel(std::shared_ptr<scope> owner, tcp::socket socket,
                                         const core::proxy_server& proxy, core::origin to,
                                         std::size_t head_limit);

}  // namespace regolo::net
