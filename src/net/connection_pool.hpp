#pragma once

#include "core/base_url.hpp"
#include "net/connection.hpp"
#include "net/scope.hpp"

#include <regolo/close_reason.hpp>
#include <regolo/options.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace regolo::net {

/** Connections by origin, with a bound on their number.

    A call takes a place, with an idle connection in it if there is one (the last one used, so that surplus ones
    age), and otherwise opens one itself. Where all places are taken calls wait in order; a place that becomes
    free is handed to the first of them, so that nobody overtakes. A connection that has been idle for a moment
    is watched for the server's close.

    Safe from any thread: a mutex guards the state and is never held across an operation.
*/
class connection_pool : public std::enable_shared_from_this<connection_pool>
{
public:
    class lease;
    struct origin_pool;

    /// Called for each connection that is closed, without the lock, on any thread. Must not throw.
    using close_listener = std::function<void(const connection&, close_reason)>;

    connection_pool(asio::any_io_executor executor, std::shared_ptr<deadline_timer> timer,
                    const pool_options& options, close_listener on_close);
    ~connection_pool();

    /** A place, and a connection in it unless `fresh` or none is idle. No place where all are taken: then wait for one.

        @throws error  `errc::client_closed`
    */
    lease try_acquire(const core::origin& where, bool fresh);
    /// Waits for such a place, behind those who wait already. Runs on the strand of `owner`.
    asio::awaitable<lease> acquire(std::shared_ptr<scope> owner, core::origin where, bool fresh);

    /// Closes everything that is idle or draining, and lets nobody in any more.
    void close() noexcept;

    /// The client is gone: idle connections are closed, and those in use when they are given back.
    void retire() noexcept;

    struct gauges
    {
        std::size_t connecting = 0;
        std::size_t in_use = 0;
        std::size_t idle = 0;
        std::size_t draining = 0;
        std::size_t waiting = 0;
        std::uint64_t opened = 0;
        std::uint64_t reused = 0;
        std::uint64_t tls_resumed = 0;
    };
    [[nodiscard]] gauges figures() const;

    /// For the text of a queue limit: the figures of that origin and its last connect error.
    [[nodiscard]] std::string describe(const core::origin& where) const;
    void note_connect_error(const core::origin& where, std::string text);

    [[nodiscard]] const pool_options& options() const noexcept { return options_; }
    [[nodiscard]] std::uint64_t next_id() noexcept;

private:
    struct waiter;
    class doomed;

    origin_pool& pool_of(const core::origin& where);
    bool try_take(origin_pool& pool, bool fresh, lease& into, doomed& dead);
    void give_place(origin_pool& pool) noexcept;
    void put_idle(origin_pool& pool, std::shared_ptr<connection> idle, doomed& dead) noexcept;
    [[nodiscard]] bool watch(origin_pool& pool, connection& idle) noexcept;
    void on_readable(origin_pool& pool, std::uint64_t id);
    void tend(origin_pool& pool);
    void withdraw(waiter& gone);
    void bury(doomed& dead) noexcept;
    static void drain(std::shared_ptr<scope> limits, lease ended);
    static asio::awaitable<void> run_drain(std::shared_ptr<scope> limits, lease ended);

    asio::any_io_executor executor_;
    std::shared_ptr<deadline_timer> timer_;
    const pool_options options_;
    close_listener on_close_;
    mutable std::mutex mutex_;
    std::map<core::origin, std::unique_ptr<origin_pool>> origins_;
    std::list<std::weak_ptr<scope>> drains_;
    std::uint64_t last_id_ = 0;
    std::uint64_t opened_ = 0;
    std::uint64_t reused_ = 0;
    std::uint64_t tls_resumed_ = 0;
    bool closed_ = false;
    bool retired_ = false;
};

/** A place in the pool and, once it is opened, the connection in it. Whoever holds it may use the connection. Destroying
    it closes the connection and passes the place on. */
class connection_pool::lease
{
public:
    lease() = default;
    lease(lease&& other) noexcept;
    lease& operator=(lease&& other) noexcept;
    ~lease() { close(close_reason::cancelled); }

    [[nodiscard]] bool has_place() const noexcept { return pool_ != nullptr; }
    /// Shared with reads under way, which need its buffer until they have ended.
    [[nodiscard]] const std::shared_ptr<connection>& get() const noexcept { return connection_; }

    /// Puts a new connection into the place.
    void opened(std::shared_ptr<connection> fresh);

    /// Gives the connection back for others, if it can be used again; closes it otherwise.
    void give_back(std::optional<int> keep_alive_hint) noexcept;

    /// The answer was taken, but the last bytes of the message are not here yet: reads them in the background
    /// (64 KiB, 1 s) and gives the connection back then.
    void drain(const std::shared_ptr<scope>& owner);

    /// Closes the connection and passes the place on.
    void close(close_reason why) noexcept;

private:
    friend class connection_pool;
    enum class state
    {
        connecting,
        in_use,
        draining
    };

    lease(std::shared_ptr<connection_pool> owner, origin_pool& pool,
          std::shared_ptr<connection> reused);
    void count(state now) noexcept;

    std::shared_ptr<connection_pool> pool_;
    origin_pool* origin_ = nullptr;
    std::shared_ptr<connection> connection_;
    state state_ = state::connecting;
};

}  // namespace regolo::net
