#pragma once

#include "admission.hpp"
#include "core/base_url.hpp"
#include "model_cache.hpp"
#include "net/exchange.hpp"
#include "net/one_shot.hpp"

#include <regolo/client.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/intrusive/list.hpp>

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>

namespace regolo::inline v0::detail {

/// A call in the client's list of those that have not ended.
class running_call : public boost::intrusive::list_base_hook<>
{
public:
    /// Null when it is being destroyed.
    virtual std::shared_ptr<running_call> hold() noexcept = 0;
    /// From any thread.
    virtual void abort(net::scope::reason why) noexcept = 0;

protected:
    ~running_call() = default;
};

/** What the handles, calls and streams of a client share. Safe from any thread. */
class client_state : public std::enable_shared_from_this<client_state>
{
public:
    /// The outside world of a client; what is left null gets its real default. Tests put clocks and memory here.
    struct seams
    {
        std::unique_ptr<net::clock> clock;
        std::shared_ptr<net::resolver> names;
        std::shared_ptr<net::random_source> random;
        std::shared_ptr<net::dialer> dial;  // in place of sockets; then `names` is not asked
    };

    /// @throws error  for a configuration that cannot be used
    static std::shared_ptr<client_state> make(boost::asio::any_io_executor executor,
                                              client_config config, seams outside = {});

    client_state(boost::asio::any_io_executor executor, client_config config, core::base_url url,
                 seams outside);

    const boost::asio::any_io_executor executor;
    const client_config config;
    const core::base_url url;
    std::shared_ptr<net::world> world;
    std::shared_ptr<client_admission> gate;

    model_cache models;

    std::atomic<std::uint64_t> calls_started{0};
    std::atomic<std::uint64_t> calls_failed{0};
    std::atomic<std::uint64_t> attempts{0};
    std::atomic<std::uint64_t> retries{0};
    std::atomic<std::uint64_t> stale_replays{0};

    /// @throws error  `errc::client_closed`; `errc::context_stopped` when called from another context
    void check_open(const boost::asio::any_io_executor& caller) const;

    /// The client's context has stopped, and the caller is on another one.
    [[nodiscard]] bool stopped_for(const boost::asio::any_io_executor& caller) const;

    /** A strand for a call. On the executor of an io_context it is small enough for `any_io_executor` to hold it in itself, so
        that the copies that each operation makes cost no memory; and where there is none left, Asio's own copies, which
        may not throw, cannot end the program. */
    [[nodiscard]] boost::asio::any_io_executor make_strand() const;

    void enter(running_call& who);
    void leave(running_call& who) noexcept;

    [[nodiscard]] client_stats stats() const;
    [[nodiscard]] std::string make_call_id() const;

    void close() noexcept;
    /// The last handle is gone.
    void retire() noexcept;
    static boost::asio::awaitable<bool> drain(std::shared_ptr<client_state> self,
                                              std::chrono::nanoseconds limit);

private:
    struct drain_place;

    std::shared_ptr<net::dialer> make_dialer(std::shared_ptr<net::resolver> names);
    std::shared_ptr<net::tls_context> tls();

    mutable std::mutex mutex_;
    boost::intrusive::list<running_call> calls_;
    std::list<drain_place*> drains_;         // woken when the last call has ended
    std::shared_ptr<net::tls_context> tls_;  // made when it is first needed
    std::atomic<bool> closed_{false};        // lets no call in any more
};

/// `errc::context_stopped`, with what to do about it.
error context_stopped_error();

/// Lets tests and later parts of the library make clients on other seams.
struct client_access
{
    static client make(std::shared_ptr<client_state> state) noexcept
    {
        return client(std::move(state));
    }
    static const std::shared_ptr<client_state>& state(const client& handle) noexcept
    {
        return handle.state_;
    }
};

}  // namespace regolo::inline v0::detail
