#pragma once

#include "net/openssl_ptr.hpp"
#include "net/tls_failure.hpp"
#include "net/tls_settings.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace regolo::net {

/// The latest session ticket of each host. A ticket of TLS 1.3 is used once.
class session_cache
{
public:
    void put(const std::string& key, session_ptr session);
    session_ptr take(const std::string& key);

private:
    std::mutex mutex_;
    std::map<std::string, session_ptr> sessions_;
};

/// What OpenSSL's callbacks need to know of a connection, and what they have found out.
struct connection_data
{
    std::shared_ptr<const tls_settings> settings;
    std::shared_ptr<session_cache> sessions;
    std::string key;                     // host and port, for the session cache
    std::string refusal;                 // why the certificate was refused
    bool asked_for_certificate = false;  // by the server, of us

    [[nodiscard]] certificate_demand demand() const noexcept;
};

/// For `shared_settings`: OpenSSL calls it with each session ticket.
int on_new_session(SSL* connection, SSL_SESSION* session);

/// Sets the callbacks of a connection; `data` must live until `detach`.
void attach(SSL* connection, connection_data& data) noexcept;
void detach(SSL* connection) noexcept;

}  // namespace regolo::net
