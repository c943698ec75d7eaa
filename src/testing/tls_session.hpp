#pragma once

#include "testing/certificates.hpp"

#include <memory>
#include <string>
#include <string_view>

struct ssl_ctx_st;
struct ssl_st;

namespace regolo::inline v0::testing {

/// The certificate, key and settings all sessions of a server share.
class tls_context
{
public:
    /// `client_ca_pem`: not empty means that clients must show a certificate of that CA.
    tls_context(const certificate& identity, tls_versions versions,
                const std::string& client_ca_pem);

    [[nodiscard]] ssl_ctx_st* native() const noexcept { return context_.get(); }

private:
    std::shared_ptr<ssl_ctx_st> context_;
};

/** The server's side of one TLS connection, without I/O.

    Recipe: give what the socket reads to `receive()`, send what `take_output()` yields after every call. Each `send()` makes
    records of its own. Doing it without a stream class lets a script cut a connection at any byte.
*/
class tls_session
{
public:
    enum class state
    {
        handshake,
        established,
        closed,  // the peer sent close_notify
        failed,
    };

    explicit tls_session(const tls_context& context);

    /// Appends what has been decrypted to `plain`.
    void receive(std::string_view encrypted, std::string& plain);

    void send(std::string_view plain);

    void send_close_notify();

    [[nodiscard]] std::string take_output();

    [[nodiscard]] state status() const noexcept { return state_; }

    /// Whether the handshake resumed an earlier session.
    [[nodiscard]] bool is_resumed() const noexcept;

private:
    void shake_hands();
    void decrypt(std::string& plain);

    std::shared_ptr<ssl_st> ssl_;
    state state_ = state::handshake;
};

}  // namespace regolo::inline v0::testing
