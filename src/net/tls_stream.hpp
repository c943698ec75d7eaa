#pragma once

#include "net/tls_callbacks.hpp"
#include "net/world.hpp"

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace regolo::net {

/** The bytes of a TLS connection, whichever way they come to OpenSSL.

    There are two: `direct_tls_stream`, and Asio's, which is slower, larger and much simpler: the reference.
*/
class tls_stream : public byte_stream
{
public:
    /// Does the handshake as a client. Ended by `close`.
    virtual void async_handshake(wait_handler done) = 0;

    [[nodiscard]] virtual SSL* native() noexcept = 0;
    [[nodiscard]] connection_data& data() noexcept { return *data_; }

    void async_wait_readable(wait_handler done) override;
    void cancel_wait() noexcept override;
    silence peek() noexcept override;
    std::optional<std::uint64_t> acknowledged() noexcept override;
    bool has_part() noexcept override;
    void close() noexcept override;

protected:
    explicit tls_stream(std::unique_ptr<connection_data> data) noexcept : data_(std::move(data)) {}

    /// For the constructor and the destructor of what has the connection.
    void open() noexcept;
    void leave() noexcept;

    virtual tcp::socket& socket() noexcept = 0;

private:
    std::unique_ptr<connection_data> data_;
};

/// Of the way that `core::fast_paths` chooses.
/// @throws std::bad_alloc, boost::system::system_error
std::unique_ptr<tls_stream> make_tls_stream(tcp::socket socket,
                                            std::unique_ptr<connection_data> data);

}  // namespace regolo::net
