#pragma once

#include "clients/report.hpp"

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <memory>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <sys/socket.h>

/** @file
    What the floors have in common: the server's address, and OpenSSL as they use it. */

namespace regolo::bench {

struct deleter
{
    void operator()(SSL_CTX* p) const noexcept { SSL_CTX_free(p); }
    void operator()(SSL* p) const noexcept { SSL_free(p); }
    void operator()(SSL_SESSION* p) const noexcept { SSL_SESSION_free(p); }
    void operator()(BIO_METHOD* p) const noexcept { BIO_meth_free(p); }
    void operator()(addrinfo* p) const noexcept { ::freeaddrinfo(p); }
};
template <class T>
using owned = std::unique_ptr<T, deleter>;

inline owned<addrinfo> resolve(const target& to)
{
    addrinfo hints{};
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(to.host.c_str(), to.port.c_str(), &hints, &found) != 0)
        throw std::runtime_error("no such host");
    return owned<addrinfo>(found);
}

inline void send_at_once(int fd)
{
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/// What the connections share; the next one resumes the latest session.
class tls
{
public:
    /// @param mode  of OpenSSL's, or none
    explicit tls(long mode = 0) : context_(SSL_CTX_new(TLS_client_method()))
    {
        SSL_CTX_set_mode(context_.get(), mode);
        SSL_CTX_set_read_ahead(context_.get(), 1);
        SSL_CTX_set_session_cache_mode(context_.get(),
                                       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_set_app_data(context_.get(), this);
        SSL_CTX_sess_set_new_cb(context_.get(), [](SSL* connection, SSL_SESSION* session) {
            const auto* const context = SSL_get_SSL_CTX(connection);
            static_cast<tls*>(SSL_CTX_get_app_data(context))->latest_.reset(session);
            return 1;
        });
    }
    tls(const tls&) = delete;
    tls& operator=(const tls&) = delete;

    /// For a connection that is to be made.
    [[nodiscard]] owned<SSL> make() const
    {
        owned<SSL> made(SSL_new(context_.get()));
        if (latest_)
            SSL_set_session(made.get(), latest_.get());
        return made;
    }

private:
    const owned<SSL_CTX> context_;
    owned<SSL_SESSION> latest_;
};

}  // namespace regolo::bench
