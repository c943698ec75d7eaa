#include "net/tls_stream.hpp"

#include "core/fast_paths.hpp"
#include "net/asio_tls_stream.hpp"
#include "net/direct_tls_stream.hpp"
#include "net/os.hpp"

#include <openssl/err.h>

#include <string_view>
#include <utility>

namespace regolo::net {

void tls_stream::open() noexcept { attach(native(), *data_); }

void tls_stream::leave() noexcept
{
    // Without this OpenSSL takes the session for broken and a ticket of it cannot be used.
    SSL_set_shutdown(native(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    detach(native());
}

void tls_stream::async_wait_readable(wait_handler done)
{
    socket().async_wait(tcp::socket::wait_read, std::move(done));
}

void tls_stream::cancel_wait() noexcept
{
    error_code ignored;
    socket().cancel(ignored);
}

auto tls_stream::peek() noexcept -> silence
{
    // What came together with the last answer is not in the socket any more.
    char byte = 0;
    ERR_clear_error();
    const int found = SSL_peek(native(), &byte, 1);
    const int why = SSL_get_error(native(), found);
    ERR_clear_error();
    if (why == SSL_ERROR_ZERO_RETURN)
        return silence::closed;
    if (why != SSL_ERROR_WANT_READ || has_part())
        return silence::data;
    return os::peek(socket());
}

std::optional<std::uint64_t> tls_stream::acknowledged() noexcept
{
    return os::acknowledged(socket());
}

bool tls_stream::has_part() noexcept
{
    // A record's first bytes are pending; between its header and its body OpenSSL waits in the state "RB".
    return SSL_has_pending(native()) == 1 || std::string_view(SSL_rstate_string(native())) == "RB";
}

void tls_stream::close() noexcept
{
    // No close_notify: waiting for the peer's answer may take for ever, and HTTP tells where a message ends.
    error_code ignored;
    socket().close(ignored);
}

std::unique_ptr<tls_stream> make_tls_stream(tcp::socket socket,
                                            std::unique_ptr<connection_data> data)
{
    if (core::fast_paths)
        return std::make_unique<direct_tls_stream>(std::move(socket), std::move(data));
    return std::make_unique<asio_tls_stream>(std::move(socket), std::move(data));
}

}  // namespace regolo::net
