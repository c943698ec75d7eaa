#pragma once

#include "net/socket_bio.hpp"
#include "net/tls_stream.hpp"

#include <memory>

namespace regolo::net {

/** TLS with OpenSSL at the socket itself: few system calls, few copies, and little memory where it waits.

    A read gives all records that have arrived, as far as there is room for them.
*/
class direct_tls_stream final : public tls_stream
{
public:
    direct_tls_stream(tcp::socket socket, std::unique_ptr<connection_data> data);
    ~direct_tls_stream() override;

    void async_handshake(wait_handler done) override;
    void async_read_some(asio::mutable_buffer into, handler done) override;
    void async_write_some(asio::const_buffer from, handler done) override;
    std::size_t try_write(asio::const_buffer from, error_code& ec) noexcept override;
    void async_wait_readable(wait_handler done) override;
    silence peek() noexcept override;
    bool has_part() noexcept override;
    SSL* native() noexcept override { return ssl_.get(); }

private:
    /// What OpenSSL cannot go on without.
    enum class need
    {
        nothing,  // it is done, or has failed
        input,
        output
    };

    // An operation: `perform` goes on as far as it can, `complete` calls the handler.
    struct handshake;
    struct reading;
    struct writing;
    template <class Operation>
    class step;

    tcp::socket& socket() noexcept override { return bio_.socket(); }

    template <class Operation>
    void start(Operation op);
    template <class Operation>
    void wait(need next, Operation& op);
    template <class Operation>
    void resume(Operation op, error_code ec);

    void choose_read_ahead() noexcept;
    need judge(int result, error_code& ec) noexcept;
    [[nodiscard]] bool may_read() const noexcept;
    [[nodiscard]] bool waits_to_send(error_code& ec) noexcept;
    void free_buffers() noexcept;
    [[nodiscard]] error_code as_truncation(error_code ec) const noexcept;
    void wake_write() noexcept;

    socket_bio bio_;
    std::unique_ptr<SSL, openssl_free<SSL_free>> ssl_;
    error_code read_failure_;   // came behind bytes: for the next read
    error_code write_failure_;  // the same
    bool write_wants_input_ = false;
    bool write_is_woken_ = false;  // since the read has got it some
};

}  // namespace regolo::net
