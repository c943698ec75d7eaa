#pragma once

#include "net/io_handler.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/** @file
    What an exchange needs from outside: bytes, names, time and chance. Each is an interface with a real
    default, so that tests run without sockets, name servers or clocks.
*/

namespace regolo::net {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;

/** A connection's bytes: plain TCP, TLS, or memory.

    One read and one write may be outstanding, started and completed on one executor at a time (the strand
    of the call that holds the connection). Handlers never run inside the starting function.
*/
class byte_stream
{
public:
    using handler = io_handler<void(error_code, std::size_t)>;
    using wait_handler = io_handler<void(error_code)>;

    virtual ~byte_stream() = default;

    /// End of stream is `asio::error::eof`, or `ssl::error::stream_truncated` where the peer left without a goodbye.
    virtual void async_read_some(asio::mutable_buffer into, handler done) = 0;
    virtual void async_write_some(asio::const_buffer from, handler done) = 0;

    /** Writes what it takes without waiting; no write may be under way.

        @param ec  `would_block` where `async_write_some` has to go on, with the bytes that are left or, where none are,
                   without any. A stream that cannot do this always says so
        @returns   how many bytes it took, with any of these */
    [[nodiscard]] virtual std::size_t try_write(asio::const_buffer /*from*/,
                                                error_code& ec) noexcept
    {
        ec = asio::error::would_block;
        return 0;
    }

    /// Completes when the peer sends or closes anything. For idle connections; ended by `cancel_wait`.
    virtual void async_wait_readable(wait_handler done) = 0;
    virtual void cancel_wait() noexcept = 0;

    /// What a look at an idle connection shows, without taking bytes away.
    enum class silence
    {
        quiet,
        data,
        closed
    };
    [[nodiscard]] virtual silence peek() noexcept = 0;

    /// How many bytes the peer's system has acknowledged since the connection stands; nothing where nobody tells.
    [[nodiscard]] virtual std::optional<std::uint64_t> acknowledged() noexcept = 0;

    /// What came last is the beginning of something, such as a TLS record, that shows when it is complete.
    [[nodiscard]] virtual bool has_part() noexcept = 0;

    /// Closes at once; outstanding operations end with `operation_aborted`. May be called again.
    virtual void close() noexcept = 0;
};

/// Looks host names up.
class resolver
{
public:
    using addresses = std::vector<tcp::endpoint>;

    virtual ~resolver() = default;

    /// Cancellation ends the wait at once; a look-up under way goes on without anybody waiting for it.
    /// @throws boost::system::system_error  such as `asio::error::host_not_found`
    virtual asio::awaitable<addresses> resolve(std::string host, std::uint16_t port) = 0;

    /// No address of that name could be reached: look it up again next time.
    virtual void forget(const std::string& host, std::uint16_t port) = 0;
};

/// Tells the time, and wakes one sleeper.
class clock
{
public:
    using time_point = std::chrono::steady_clock::time_point;
    using duration = std::chrono::steady_clock::duration;

    virtual ~clock() = default;

    [[nodiscard]] virtual time_point now() const noexcept = 0;
    /// The wall clock, for `Retry-After` dates.
    [[nodiscard]] virtual std::chrono::system_clock::time_point wall() const noexcept = 0;

    class sleeper
    {
    public:
        virtual void woken() = 0;

    protected:
        ~sleeper() = default;
    };
    /// Wakes it once at that time, never from inside. A later request replaces an earlier one.
    virtual void wake_at(time_point when, std::weak_ptr<sleeper> whom) = 0;
    virtual void cancel() noexcept = 0;
};

/// Where jitter and ids come from. Safe from any thread.
class random_source
{
public:
    virtual ~random_source() = default;
    virtual std::uint64_t next() noexcept = 0;

    /// Uniform in [0, 1).
    double uniform() noexcept { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
};

std::unique_ptr<clock> make_system_clock(const asio::any_io_executor& executor);
std::unique_ptr<random_source> make_random_source();

}  // namespace regolo::net
