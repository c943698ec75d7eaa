#pragma once

#include "net/world.hpp"

#include <string>

namespace regolo::net {

/// Whether the server asked for a client certificate.
enum class certificate_demand : unsigned char
{
    none,
    unmet,  // there was none to show
    met,    // one was shown, which it may not accept
};

/// An error of TLS itself, such as an alert, and not of the connection below.
bool is_tls_failure(const error_code& ec) noexcept;

/// There was no memory, for us or for OpenSSL.
bool is_out_of_memory(const error_code& ec) noexcept;

/// An alert by which the peer refuses what this client is or offers, so that it would refuse the next handshake, too.
bool is_refusal_by_alert(const error_code& ec) noexcept;

/// Whether a handshake that ended so would end so again.
bool is_lasting(const error_code& handshake_failure) noexcept;

/** What to do about a failure of TLS; never empty.

    @param demand  of the server, for a client certificate
*/
std::string advice_on_tls(const error_code& ec, certificate_demand demand);

}  // namespace regolo::net
