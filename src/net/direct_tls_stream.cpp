#include "net/direct_tls_stream.hpp"

#include "net/os.hpp"
#include "net/out_of_memory.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <openssl/err.h>

#include <algorithm>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

namespace regolo::net {

namespace {

constexpr std::size_t record_size = std::size_t{16} * 1024;

// Of one write operation, so that others get their turn.
constexpr std::size_t most_written = 4 * record_size;

/// As SSL_get_error wants it; to look is much cheaper than to clear.
void clear_errors() noexcept
{
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

}  // namespace

struct direct_tls_stream::handshake
{
    wait_handler done;

    need perform(direct_tls_stream& on, error_code& ec)
    {
        clear_errors();
        const int result = SSL_do_handshake(on.native());
        const auto next = result == 1 ? need::nothing : on.judge(result, ec);
        if (result == 1)
            on.choose_read_ahead();
        return !ec && on.waits_to_send(ec) ? need::output : ec ? need::nothing : next;
    }
    void complete(error_code ec) { done(ec); }
    [[nodiscard]] asio::cancellation_slot slot() const noexcept
    {
        return done.get_cancellation_slot();
    }
};

struct direct_tls_stream::reading
{
    asio::mutable_buffer into;
    handler done;
    std::size_t bytes = 0;

    need perform(direct_tls_stream& on, error_code& ec)
    {
        ec = std::exchange(on.read_failure_, error_code());
        if (ec)
            return need::nothing;
        while (bytes != into.size() && on.may_read())
        {
            clear_errors();
            const auto room = into + bytes;
            const int result = SSL_read(on.native(), room.data(),
                                        static_cast<int>(std::min(room.size(), record_size)));
            if (result > 0)
            {
                bytes += static_cast<std::size_t>(result);
                continue;
            }
            const auto next = on.judge(result, ec);
            error_code ignored;  // is the next write's
            if (bytes == 0)
                return next == need::input && on.waits_to_send(ignored) ? need::output : next;
            on.read_failure_ = std::exchange(ec, error_code());
            return need::nothing;
        }
        return bytes == 0 ? need::input : need::nothing;
    }
    void complete(error_code ec) { done(ec, bytes); }
    [[nodiscard]] asio::cancellation_slot slot() const noexcept
    {
        return done.get_cancellation_slot();
    }
};

struct direct_tls_stream::writing
{
    asio::const_buffer from;
    handler done;
    std::size_t bytes = 0;
    std::optional<asio::cancellation_state> cancelled;  // while it waits

    need perform(direct_tls_stream& on, error_code& ec)
    {
        ec = std::exchange(on.write_failure_, error_code());
        if (!ec && on.waits_to_send(ec))
            return need::output;
        while (!ec && bytes != from.size() && bytes < most_written && !on.bio_.has_unsent())
        {
            clear_errors();
            const auto rest = from + bytes;
            const int result = SSL_write(on.native(), rest.data(),
                                         static_cast<int>(std::min(rest.size(), record_size)));
            if (result > 0)
            {
                bytes += static_cast<std::size_t>(result);
                continue;
            }
            // A record that was begun has to go out as it is before the operation may end.
            if (const auto next = on.judge(result, ec); !ec)
                return next;
            if (bytes != 0)
            {
                on.write_failure_ = std::exchange(ec, error_code());
                break;
            }
        }
        return !ec && on.waits_to_send(ec) ? need::output : need::nothing;
    }
    void complete(error_code ec) { done(ec, bytes); }
    [[nodiscard]] asio::cancellation_slot slot() const noexcept
    {
        return cancelled ? cancelled->slot() : done.get_cancellation_slot();
    }
};

/// What an operation waits with. Its owner keeps the stream.
template <class Operation>
class direct_tls_stream::step
{
public:
    using executor_type = asio::any_io_executor;
    using cancellation_slot_type = asio::cancellation_slot;

    step(direct_tls_stream& on, Operation&& op) : on_(&on), op_(std::move(op)) {}

    [[nodiscard]] executor_type get_executor() const noexcept { return op_.done.get_executor(); }
    [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept
    {
        return op_.slot();
    }

    void operator()(error_code ec) { on_->resume(std::move(op_), ec); }
    void operator()(error_code ec, std::size_t bytes)
    {
        on_->bio_.end_receive(bytes);
        on_->resume(std::move(op_), ec);
    }

    /// Where it could not wait.
    Operation take() { return std::move(op_); }

private:
    direct_tls_stream* on_;
    Operation op_;
};

direct_tls_stream::direct_tls_stream(tcp::socket socket, std::unique_ptr<connection_data> data)
    : tls_stream(std::move(data)),
      bio_(std::move(socket)),
      ssl_(SSL_new(this->data().settings->context->native_handle()))
{
    if (!ssl_)
        throw std::bad_alloc();
    bio_.connect(native());
    SSL_set_connect_state(native());
    SSL_set_mode(native(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    open();
}

direct_tls_stream::~direct_tls_stream() { leave(); }

void direct_tls_stream::async_handshake(wait_handler done) { start(handshake{std::move(done)}); }

void direct_tls_stream::async_read_some(asio::mutable_buffer into, handler done)
{
    start(reading{into, std::move(done)});
}

void direct_tls_stream::async_write_some(asio::const_buffer from, handler done)
{
    start(writing{from, std::move(done), 0, std::nullopt});
}

std::size_t direct_tls_stream::try_write(asio::const_buffer from, error_code& ec) noexcept
{
    writing op{from, {}, 0, std::nullopt};
    if (op.perform(*this, ec) != need::nothing || (!ec && op.bytes != from.size()))
        ec = asio::error::would_block;
    ec = as_truncation(ec);
    return op.bytes;
}

void direct_tls_stream::async_wait_readable(wait_handler done)
{
    free_buffers();
    tls_stream::async_wait_readable(std::move(done));
}

/// Hardly ever is there something for OpenSSL, and to ask it takes long.
auto direct_tls_stream::peek() noexcept -> silence
{
    const bool may_have_some =
        may_read() || tls_stream::has_part() || read_failure_ || write_failure_;
    return may_have_some ? tls_stream::peek() : os::peek(socket());
}

bool direct_tls_stream::has_part() noexcept { return bio_.has_part() || tls_stream::has_part(); }

template <class Operation>
void direct_tls_stream::start(Operation op)
{
    error_code ec;
    const auto next = op.perform(*this, ec);
    if (next != need::nothing)
        return wait(next, op);
    const auto executor = op.done.get_executor();
    asio::post(executor,
               [op = std::move(op), ec = as_truncation(ec)]() mutable { op.complete(ec); });
}

/// @throws std::bad_alloc  and `op` is as it was, or gone where its handler is
template <class Operation>
void direct_tls_stream::wait(need next, Operation& op)
{
    constexpr bool writes = std::is_same_v<Operation, writing>;
    if constexpr (writes)
    {
        if (!op.cancelled)
            op.cancelled.emplace(op.done.get_cancellation_slot());
    }
    step<Operation> then(*this, std::move(op));
    try
    {
        if (next == need::output)
        {
            socket().async_wait(tcp::socket::wait_write, std::move(then));
        }
        else if (writes)
        {
            // What arrives is the read's, if there is one; it then wakes this one.
            write_wants_input_ = true;
            socket().async_wait(tcp::socket::wait_read, std::move(then));
        }
        else
        {
            free_buffers();
            socket().async_read_some(bio_.begin_receive(), std::move(then));
        }
    }
    catch (const std::bad_alloc&)
    {
        if (next == need::input && !writes)
            bio_.end_receive(0);
        op = then.take();
        throw;
    }
}

template <class Operation>
void direct_tls_stream::resume(Operation op, error_code ec)
{
    if constexpr (std::is_same_v<Operation, writing>)
    {
        const bool is_woken = std::exchange(write_is_woken_, false);
        if (std::exchange(write_wants_input_, false) && !ec)
            bio_.note_input();
        if (op.cancelled->cancelled() != asio::cancellation_type::none)
            ec = asio::error::operation_aborted;
        else if (is_woken && socket().is_open())
            ec = {};
    }
    auto next = ec ? need::nothing : op.perform(*this, ec);
    if constexpr (std::is_same_v<Operation, reading>)
        wake_write();
    if (next != need::nothing && !socket().is_open())
    {
        next = need::nothing;
        ec = asio::error::operation_aborted;
    }
    if (next == need::nothing)
        return op.complete(as_truncation(ec));
    try
    {
        wait(next, op);
    }
    catch (const std::bad_alloc&)
    {
        if (!op.done)
            throw;
        op.complete(out_of_memory());
    }
}

/** Not before TLS 1.3. A server may ask for another handshake there, which OpenSSL puts off while it has more of what has arrived;
    asked once more before it comes to that, it begins the handshake and then takes no text that is still on its way. */
void direct_tls_stream::choose_read_ahead() noexcept
{
    SSL_set_read_ahead(native(), SSL_version(native()) >= TLS1_3_VERSION ? 1 : 0);
}

/// What a call of OpenSSL that did not succeed wants.
auto direct_tls_stream::judge(int result, error_code& ec) noexcept -> need
{
    const int why = SSL_get_error(native(), result);
    if (why == SSL_ERROR_WANT_READ)
        return need::input;
    if (why == SSL_ERROR_WANT_WRITE)
        return need::output;
    const auto code = static_cast<int>(ERR_get_error());
    const auto below = bio_.take_failure();
    if (why == SSL_ERROR_ZERO_RETURN)
        ec = asio::error::eof;
    else if (why == SSL_ERROR_SYSCALL && below)
        ec = below;
    else if (code != 0)
        ec = error_code(code, asio::error::get_ssl_category());
    else
        ec = asio::ssl::error::unspecified_system_error;
    return need::nothing;
}

/// Asking OpenSSL in vain is not cheap. It may have put off a handshake (TLS 1.2) until it is asked with nothing left to read.
bool direct_tls_stream::may_read() const noexcept
{
    return bio_.has_input() || SSL_renegotiate_pending(ssl_.get()) == 1 ||
           (!bio_.is_starved() && SSL_has_pending(ssl_.get()) == 1);
}

/// Sends what OpenSSL has written and the socket has not taken. Whether there is still some of it, and no error.
bool direct_tls_stream::waits_to_send(error_code& ec) noexcept
{
    if (bio_.flush())
        return false;
    ec = bio_.take_failure();
    return !ec;
}

/// Not between the header of a record and its body: OpenSSL refuses that since 3.0.14 (CVE-2024-4741) and comes to grief before.
void direct_tls_stream::free_buffers() noexcept
{
    if (!tls_stream::has_part())
        SSL_free_buffers(native());
}

/// The end of a connection that did not say goodbye.
error_code direct_tls_stream::as_truncation(error_code ec) const noexcept
{
    const bool is_cut =
        ec == asio::error::eof && (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) == 0;
    return is_cut ? asio::ssl::error::stream_truncated : ec;
}

/// A server of TLS 1.2 may ask for another handshake; the write that is under way waits for the end of it.
void direct_tls_stream::wake_write() noexcept
{
    if (!write_wants_input_ || write_is_woken_)
        return;
    write_is_woken_ = true;
    error_code ignored;
    socket().cancel(ignored);
}

}  // namespace regolo::net
