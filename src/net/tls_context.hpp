#pragma once

#include "net/scope.hpp"
#include "net/tls_failure.hpp"
#include "net/world.hpp"

#include <regolo/options.hpp>

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>

namespace regolo::net {

/** TLS settings and sessions of a client.

    The expensive part, the trust store, is shared by all clients of the process with equal options; the
    session tickets belong to one client, so that no session outlives the options it was verified with.
*/
class tls_context
{
public:
    virtual ~tls_context() = default;

    struct secured
    {
        std::unique_ptr<byte_stream> stream;
        bool resumed = false;
        certificate_demand demand = certificate_demand::none;
    };

    /** Does the handshake as a client and verifies the certificate against `host`. Runs on the strand of
        `owner`, whose end closes the socket at once.

        @throws error  `errc::certificate_refused` with the reason and the chain, `errc::tls_refused`, or what the
                       connection gave; `error_info::where` is `phase::tls`
    */
    virtual asio::awaitable<secured> secure(std::shared_ptr<scope> owner, tcp::socket socket,
                                            std::string host, std::uint16_t port) = 0;
};

/// The peer ended a TLS connection without saying so (no close_notify), which may be an attacker's cut.
bool is_tls_truncation(const error_code& ec) noexcept;

/// @throws error  with `errc::bad_config` when a file of the options cannot be used
std::shared_ptr<tls_context> make_tls_context(const tls_options& options);

}  // namespace regolo::net
