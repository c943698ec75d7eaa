#pragma once

#include "net/world.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace regolo::fuzz {

namespace asio = boost::asio;

/// What a client has asked on a connection, and what it has read since.
struct exchange_record
{
    std::uint64_t order = 0;
    std::size_t call = 0;   // as the field `x-fuzz-call` says
    std::string delivered;  // bytes that the client has taken
    bool closed = false;    // and then the end, which was a clean one
};

/** One connection in memory, seen from the server. Everything happens on one thread, and completions are posted. */
class memory_connection : public std::enable_shared_from_this<memory_connection>
{
public:
    /// @param count  of the exchanges of all connections
    memory_connection(asio::io_context& io, std::uint64_t& count) : io_(io), count_(count) {}

    // what the client does

    void read(asio::mutable_buffer into, net::byte_stream::handler done);
    void write(asio::const_buffer from, net::byte_stream::handler done);
    void wait(net::byte_stream::wait_handler done);
    void cancel_wait();
    net::byte_stream::silence peek() const noexcept;
    void close();

    // what the fuzzer decides

    /// Bytes that a read may take from now on.
    void deliver(std::string_view bytes);
    /// What reads and writes fail with once the bytes are taken.
    void end(net::error_code how);
    enum class writing
    {
        all,
        little,  // a byte at a time
        stalled
    };
    void take_writes(writing how);

    /// The request that has begun and has got no byte yet; for `deliver`.
    [[nodiscard]] bool is_asked() const noexcept { return asked_; }
    void answered() noexcept { asked_ = false; }
    [[nodiscard]] bool is_open() const noexcept { return !closed_; }
    [[nodiscard]] const std::vector<exchange_record>& exchanges() const noexcept
    {
        return exchanges_;
    }

private:
    template <class Handler, class... Results>
    void complete(Handler& handler, Results... results);
    void try_read();
    void try_write();
    void try_wait();
    void note_requests();

    asio::io_context& io_;
    std::uint64_t& count_;
    std::string inbound_;
    std::optional<net::error_code> end_;
    asio::mutable_buffer read_into_;
    net::byte_stream::handler read_done_;
    asio::const_buffer write_from_;
    net::byte_stream::handler write_done_;
    net::byte_stream::wait_handler wait_done_;
    writing writing_ = writing::all;
    bool closed_ = false;
    bool asked_ = false;
    bool head_seen_ = false;  // of that request
    std::string outbound_;    // of the request that is being written
    std::vector<exchange_record> exchanges_;
    // pending operations count as work, as those of a socket do
    using work = asio::executor_work_guard<asio::io_context::executor_type>;
    std::optional<work> read_work_, write_work_, wait_work_;
};

/// The client's end of it.
std::unique_ptr<net::byte_stream> make_stream(std::shared_ptr<memory_connection> connection);

}  // namespace regolo::fuzz
