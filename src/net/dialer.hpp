#pragma once

#include "core/proxy.hpp"
#include "net/scope.hpp"
#include "net/tls_context.hpp"
#include "net/world.hpp"

#include <regolo/metadata.hpp>
#include <regolo/options.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <functional>
#include <memory>

namespace regolo::net {

/// How far the opening of a connection has come, for whoever has to explain why it did not stand.
struct dial_progress
{
    phase& where;
    regolo::timings& timings;
    bool tls_resumed = false;
    certificate_demand demand = certificate_demand::none;
};

/// Opens connections: name, TCP, proxy and TLS. Tests put servers in memory in its place.
class dialer
{
public:
    virtual ~dialer() = default;

    /** A connection over which HTTP can be spoken with `to`. Runs on the strand of `owner`, whose end ends it at once.

        @param via       a proxy on the way; null: none. It and `progress` must live until then
        @throws error, boost::system::system_error  with `progress.where` for the phase
    */
    virtual asio::awaitable<std::unique_ptr<byte_stream>> dial(std::shared_ptr<scope> owner,
                                                               core::origin to,
                                                               const core::proxy_server* via,
                                                               dial_progress& progress) = 0;
};

/// What the real one needs.
struct dialer_parts
{
    asio::any_io_executor executor;  // of the sockets
    std::shared_ptr<resolver> names;
    std::function<std::shared_ptr<tls_context>()> tls;  // asked for the first https connection
    pool_options options;
    std::size_t head_limit = 0;  // of a proxy's answer
};

std::shared_ptr<dialer> make_dialer(dialer_parts parts);

}  // namespace regolo::net
