#include "net/connection_pool.hpp"

#include "core/pool_policy.hpp"
#include "net/one_shot.hpp"
#include "net/stream_ops.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace regolo::net {

namespace {

// How much of an ended stream's tail is worth reading to keep the connection.
constexpr std::size_t drain_bytes = std::size_t{64} * 1024;
constexpr std::chrono::seconds drain_time{1};

// A close that comes sooner tells of a restart or of a server that never keeps connections, not of its idle limit.
constexpr std::chrono::seconds shortest_lesson{1};

// To watch a connection takes a system call, and to end the watch a handler. In a busy client a connection is used again before
// that pays.
constexpr std::chrono::milliseconds unwatched_time{100};

error closed_error()
{
    error_info info;
    info.code = errc::client_closed;
    info.where = phase::queue;
    info.message = "the client was closed";
    return error(std::move(info));
}

}  // namespace

/// Connections to be closed, as soon as the lock is gone. They are linked to each other: it needs no memory.
class connection_pool::doomed
{
public:
    void add(std::shared_ptr<connection> gone, close_reason why) noexcept
    {
        gone->closed_for = why;
        gone->next_doomed = std::move(first_);
        first_ = std::move(gone);
    }

    /// @returns null when there is none left
    std::shared_ptr<connection> take() noexcept
    {
        auto taken = std::move(first_);
        if (taken)
            first_ = std::move(taken->next_doomed);
        return taken;
    }

private:
    std::shared_ptr<connection> first_;
};

/// A call in the queue. Its members are guarded by the pool's mutex.
struct connection_pool::waiter
{
    connection_pool& owner;
    const bool fresh;
    origin_pool* queue = nullptr;  // null: not in it (any more)
    lease granted;
    one_shot ready;

    waiter(connection_pool& pool, bool fresh_only) : owner(pool), fresh(fresh_only) {}
    ~waiter() { owner.withdraw(*this); }

    /// Called with the lock held. A place granted to a call that is being cancelled passes on with its lease.
    void grant(lease place)
    {
        queue = nullptr;
        granted = std::move(place);
        ready.complete(error_code());
    }
};

/// The state of one origin. `places` counts everything that the limit counts.
struct connection_pool::origin_pool final : deadline_timer::entry
{
    origin_pool(connection_pool& pool, core::origin origin)
        : entry(pool.timer_),
          owner(pool),
          where(std::move(origin)),
          name(core::to_string(where)),
          idle_limit(pool.options_.idle_limit)
    {}
    ~origin_pool() { detach(); }

    bool expired() noexcept override
    {
        try
        {
            asio::post(owner.executor_, [weak = owner.weak_from_this(), this] {
                if (const auto pool = weak.lock())
                    pool->tend(*this);
            });
            return true;
        }
        catch (...)
        {
            return false;
        }
    }

    /// Sets the timer to when there is next something to do for idle connections. Those that are not watched are the last.
    void plan() noexcept
    {
        if (idle.empty())
            return disarm();
        auto due = idle.front()->idle_since + idle_limit;
        const auto watched = std::find_if(idle.rbegin(), idle.rend(),
                                          [](const auto& each) { return each->is_watched; });
        if (watched != idle.rbegin())
            due = std::min(due, (*std::prev(watched))->idle_since + unwatched_time);
        try
        {
            arm(due);
        }
        catch (...)
        {
            // Out of memory: the next limit that anybody sets wakes the timer. Until then a look at a connection is all.
        }
    }

    [[nodiscard]] std::size_t places() const noexcept
    {
        return idle.size() + connecting + in_use + draining;
    }

    connection_pool& owner;
    const core::origin where;
    const std::string name;
    std::vector<std::shared_ptr<connection>> idle;  // in the order they became idle
    std::list<waiter*> waiters;
    std::size_t connecting = 0;
    std::size_t in_use = 0;
    std::size_t draining = 0;
    std::chrono::milliseconds idle_limit;  // as configured, then as learnt
    std::string last_connect_error;
};

connection_pool::connection_pool(asio::any_io_executor executor,
                                 std::shared_ptr<deadline_timer> timer, const pool_options& options,
                                 close_listener on_close)
    : executor_(std::move(executor)),
      timer_(std::move(timer)),
      options_(options),
      on_close_(std::move(on_close))
{}

connection_pool::~connection_pool() = default;

std::uint64_t connection_pool::next_id() noexcept
{
    const std::lock_guard lock(mutex_);
    return ++last_id_;
}

connection_pool::origin_pool& connection_pool::pool_of(const core::origin& where)
{
    const auto known = origins_.find(where);
    if (known != origins_.end())
        return *known->second;
    return *origins_.emplace(where, std::make_unique<origin_pool>(*this, where)).first->second;
}

bool connection_pool::try_take(origin_pool& pool, bool fresh, lease& into, doomed& dead)
{
    while (!fresh && !pool.idle.empty())
    {
        auto last = std::move(pool.idle.back());
        pool.idle.pop_back();
        if (std::exchange(last->is_watched, false))
            last->stream->cancel_wait();
        auto verdict =
            core::idle_verdict(timer_->now(), last->idle_since, pool.idle_limit, last->aged_at);
        if (!verdict && last->stream->peek() != byte_stream::silence::quiet)
        {
            verdict = close_reason::closed_by_peer;
        }
        if (!verdict)
        {
            ++reused_;
            into = lease(shared_from_this(), pool, std::move(last));
            return true;
        }
        dead.add(std::move(last), *verdict);
    }
    if (fresh && !pool.idle.empty() && pool.places() >= options_.max_connections)
    {
        dead.add(std::move(pool.idle.front()), close_reason::idle);
        pool.idle.erase(pool.idle.begin());
    }
    if (pool.places() >= options_.max_connections)
        return false;
    into = lease(shared_from_this(), pool, nullptr);
    return true;
}

connection_pool::lease connection_pool::try_acquire(const core::origin& where, bool fresh)
{
    lease taken;
    doomed dead;
    {
        const std::lock_guard lock(mutex_);
        if (closed_)
            throw closed_error();
        origin_pool& pool = pool_of(where);
        if (pool.waiters.empty())
            try_take(pool, fresh, taken, dead);
    }
    bury(dead);
    return taken;
}

asio::awaitable<connection_pool::lease> connection_pool::acquire(std::shared_ptr<scope> owner,
                                                                 core::origin where, bool fresh)
{
    owner->check();
    waiter self(*this, fresh);
    doomed dead;
    {
        const std::lock_guard lock(mutex_);
        if (closed_)
            throw closed_error();
        origin_pool& pool = pool_of(where);
        // A place may have become free meanwhile.
        if (pool.waiters.empty() && try_take(pool, fresh, self.granted, dead))
        {
            self.ready.complete(error_code());
        }
        else
        {
            self.queue = &pool;
            pool.waiters.push_back(&self);
        }
    }
    bury(dead);
    co_await self.ready.wait();
    co_return std::move(self.granted);
}

void connection_pool::withdraw(waiter& gone)
{
    const std::lock_guard lock(mutex_);
    if (gone.queue == nullptr)
        return;
    gone.queue->waiters.remove(&gone);
    gone.queue = nullptr;
}

// A place without a connection goes to the first in the queue.
void connection_pool::give_place(origin_pool& pool) noexcept
{
    if (pool.waiters.empty() || pool.places() >= options_.max_connections)
        return;
    waiter& first = *pool.waiters.front();
    pool.waiters.pop_front();
    first.grant(lease(shared_from_this(), pool, nullptr));
}

void connection_pool::put_idle(origin_pool& pool, std::shared_ptr<connection> idle,
                               doomed& dead) noexcept
{
    if (!pool.waiters.empty() && !pool.waiters.front()->fresh)
    {
        waiter& first = *pool.waiters.front();
        pool.waiters.pop_front();
        ++reused_;
        return first.grant(lease(shared_from_this(), pool, std::move(idle)));
    }
    if (retired_ || options_.max_idle == 0 || pool.idle_limit.count() <= 0 || !pool.waiters.empty())
    {
        dead.add(std::move(idle), retired_ ? close_reason::client_closed : close_reason::idle);
        return give_place(pool);
    }
    if (pool.idle.size() >= options_.max_idle)
    {
        dead.add(std::move(pool.idle.front()), close_reason::idle);
        pool.idle.erase(pool.idle.begin());
    }
    idle->idle_since = timer_->now();
    const bool is_planned = !pool.idle.empty() && !pool.idle.back()->is_watched;
    pool.idle.push_back(std::move(idle));  // there has been room for it since it was opened
    if (!is_planned)
        pool.plan();
}

/// @returns false where there is no memory for it: nobody would see the connection's end
bool connection_pool::watch(origin_pool& pool, connection& idle) noexcept
{
    try
    {
        idle.stream->async_wait_readable(asio::bind_executor(
            executor_, [weak = weak_from_this(), &pool, id = idle.id](error_code ec) {
                if (ec == asio::error::operation_aborted)
                    return;
                if (const auto self = weak.lock())
                    self->on_readable(pool, id);
            }));
        idle.is_watched = true;
        idle.reader.give_memory_back();
        return true;
    }
    catch (...)
    {
        return false;
    }
}

void connection_pool::on_readable(origin_pool& pool, std::uint64_t id)
{
    doomed dead;
    {
        const std::lock_guard lock(mutex_);
        const auto found = std::find_if(pool.idle.begin(), pool.idle.end(),
                                        [id](const auto& c) { return c->id == id; });
        if (found == pool.idle.end())
            return;
        const auto seen = (*found)->stream->peek();
        const bool quiet = seen == byte_stream::silence::quiet;
        if (quiet && watch(pool, **found))
            return;
        // On TLS the bytes are the server's goodbye; without, an answer that nobody asked for.
        const bool closed = !quiet && (seen == byte_stream::silence::closed || pool.where.tls);
        const auto idle_for = timer_->now() - (*found)->idle_since;
        if (closed && idle_for >= shortest_lesson)
        {
            pool.idle_limit = core::learn_from_close(idle_for, pool.idle_limit);
        }
        dead.add(std::move(*found), quiet    ? close_reason::failed
                                    : closed ? close_reason::closed_by_peer
                                             : close_reason::unusable);
        pool.idle.erase(found);
        pool.plan();
    }
    bury(dead);
}

/// Closes what has been idle for too long, and watches what has been idle for a moment.
void connection_pool::tend(origin_pool& pool)
{
    doomed dead;
    {
        const std::lock_guard lock(mutex_);
        const auto now = timer_->now();
        for (auto& each : pool.idle)
        {
            const auto idle_for = now - each->idle_since;
            if (idle_for >= pool.idle_limit)
                dead.add(std::move(each), close_reason::idle);
            else if (!each->is_watched && idle_for >= unwatched_time && !watch(pool, *each))
                dead.add(std::move(each), close_reason::failed);
        }
        std::erase(pool.idle, nullptr);
        pool.plan();
    }
    bury(dead);
}

void connection_pool::bury(doomed& dead) noexcept
{
    while (const auto gone = dead.take())
    {
        gone->stream->close();
        if (on_close_)
            on_close_(*gone, gone->closed_for);
    }
}

void connection_pool::retire() noexcept
{
    doomed dead;
    {
        const std::lock_guard lock(mutex_);
        retired_ = true;
        for (auto& [where, pool] : origins_)
        {
            pool->disarm();
            for (auto& idle : pool->idle)
                dead.add(std::move(idle), close_reason::client_closed);
            pool->idle.clear();
        }
    }
    bury(dead);
}

void connection_pool::close() noexcept
{
    std::list<std::weak_ptr<scope>> drains;
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        drains.swap(drains_);
        for (auto& [where, pool] : origins_)
        {
            for (auto* first : std::exchange(pool->waiters, {}))
            {
                first->queue = nullptr;
                first->ready.complete(make_error_code(errc::client_closed));
            }
        }
    }
    retire();
    for (const auto& weak : drains)
    {
        if (const auto running = weak.lock())
        {
            running->abort_from_anywhere(
                {make_error_code(errc::client_closed), "the client was closed"});
        }
    }
}

connection_pool::gauges connection_pool::figures() const
{
    const std::lock_guard lock(mutex_);
    gauges sum;
    for (const auto& [where, pool] : origins_)
    {
        sum.connecting += pool->connecting;
        sum.in_use += pool->in_use;
        sum.idle += pool->idle.size();
        sum.draining += pool->draining;
        sum.waiting += pool->waiters.size();
    }
    sum.opened = opened_;
    sum.reused = reused_;
    sum.tls_resumed = tls_resumed_;
    return sum;
}

std::string connection_pool::describe(const core::origin& where) const
{
    const std::lock_guard lock(mutex_);
    const auto found = origins_.find(where);
    if (found == origins_.end())
        return "no connections";
    const auto& pool = *found->second;
    std::string text = "connections in use: " + std::to_string(pool.in_use) +
                       ", connecting: " + std::to_string(pool.connecting) +
                       ", draining: " + std::to_string(pool.draining) +
                       ", at most: " + std::to_string(options_.max_connections) +
                       " (pool_options::max_connections), other calls waiting: " +
                       std::to_string(pool.waiters.size());
    if (!pool.last_connect_error.empty())
        text += "; last connect error: " + pool.last_connect_error;
    return text;
}

void connection_pool::note_connect_error(const core::origin& where, std::string text)
{
    const std::lock_guard lock(mutex_);
    pool_of(where).last_connect_error = std::move(text);
}

void connection_pool::drain(std::shared_ptr<scope> limits, lease ended)
{
    const auto strand = limits->executor();
    const auto slot = limits->slot();
    // The outcome is told by the pool's figures; a failure has closed the connection already.
    const auto ignore = [](const std::exception_ptr&) {};
    asio::co_spawn(strand, run_drain(std::move(limits), std::move(ended)),
                   asio::bind_cancellation_slot(slot, ignore));
}

asio::awaitable<void> connection_pool::run_drain(std::shared_ptr<scope> limits, lease ended)
{
    connection& tail = *ended.get();
    const scope::holder held(*limits, tail.stream.get());
    const auto before = tail.reader.bytes();
    while (!tail.reader.done() && tail.reader.bytes() - before <= drain_bytes)
    {
        const auto room = tail.reader.prepare();
        error_code ec;
        const auto n = co_await read_some(*tail.stream, asio::buffer(room.data, room.size), ec);
        if (!ec)
            tail.reader.commit(n, ec);
        if (ec)
        {
            const bool by_client =
                limits->aborted() && limits->aborted()->code == errc::client_closed;
            ended.close(by_client ? close_reason::client_closed : close_reason::unusable);
            co_return;
        }
    }
    ended.give_back(tail.reader.keep_alive_timeout());
}

connection_pool::lease::lease(std::shared_ptr<connection_pool> owner, origin_pool& pool,
                              std::shared_ptr<connection> reused)
    : pool_(std::move(owner)),
      origin_(&pool),
      connection_(std::move(reused)),
      state_(connection_ ? state::in_use : state::connecting)
{
    ++(connection_ ? pool.in_use : pool.connecting);
}

connection_pool::lease::lease(lease&& other) noexcept
    : pool_(std::move(other.pool_)),
      origin_(std::exchange(other.origin_, nullptr)),
      connection_(std::move(other.connection_)),
      state_(other.state_)
{}

connection_pool::lease& connection_pool::lease::operator=(lease&& other) noexcept
{
    if (this != &other)
    {
        close(close_reason::cancelled);
        pool_ = std::move(other.pool_);
        origin_ = std::exchange(other.origin_, nullptr);
        connection_ = std::move(other.connection_);
        state_ = other.state_;
    }
    return *this;
}

// With the lock held: moves the place from one gauge to another.
void connection_pool::lease::count(state now) noexcept
{
    const auto gauge = [this](state s) -> std::size_t& {
        return s == state::connecting ? origin_->connecting
               : s == state::in_use   ? origin_->in_use
                                      : origin_->draining;
    };
    --gauge(state_);
    ++gauge(now);
    state_ = now;
}

void connection_pool::lease::opened(std::shared_ptr<connection> fresh)
{
    connection_ = std::move(fresh);
    connection_->origin = origin_->name;
    const std::lock_guard lock(pool_->mutex_);
    if (const auto places = origin_->places(); origin_->idle.capacity() < places)
        origin_->idle.reserve(2 * places);
    ++pool_->opened_;
    if (connection_->tls_resumed)
        ++pool_->tls_resumed_;
    origin_->last_connect_error.clear();
    count(state::in_use);
}

void connection_pool::lease::give_back(std::optional<int> keep_alive_hint) noexcept
{
    if (!connection_)
        return close(close_reason::failed);
    if (!connection_->reader.done())
        return close(close_reason::unusable);
    if (!connection_->reader.reusable())
        return close(close_reason::finished);
    doomed dead;
    {
        const std::lock_guard lock(pool_->mutex_);
        if (keep_alive_hint)
        {
            origin_->idle_limit = core::learn_from_hint(std::chrono::seconds(*keep_alive_hint),
                                                        pool_->options_, origin_->idle_limit);
        }
        --(state_ == state::draining ? origin_->draining : origin_->in_use);
        if (pool_->timer_->now() >= connection_->aged_at)
        {
            dead.add(std::move(connection_), close_reason::aged);
            pool_->give_place(*origin_);
        }
        else
        {
            pool_->put_idle(*origin_, std::move(connection_), dead);
        }
    }
    origin_ = nullptr;
    std::exchange(pool_, nullptr)->bury(dead);
}

void connection_pool::lease::drain(const std::shared_ptr<scope>& owner)
{
    const auto limits = std::make_shared<scope>(owner->executor(), owner->shared_timer());
    {
        const std::lock_guard lock(pool_->mutex_);
        if (pool_->closed_)
            return;  // closed by the destructor
        pool_->drains_.remove_if([](const auto& weak) { return weak.expired(); });
        pool_->drains_.push_back(limits);
        count(state::draining);
    }
    limits->limit_total(drain_time);
    connection_pool::drain(limits, std::move(*this));
}

void connection_pool::lease::close(close_reason why) noexcept
{
    if (!pool_)
        return;
    const auto pool = std::exchange(pool_, nullptr);
    auto& origin = *std::exchange(origin_, nullptr);
    const auto gone = std::move(connection_);
    if (gone)
        gone->stream->close();
    {
        const std::lock_guard lock(pool->mutex_);
        --(state_ == state::connecting ? origin.connecting
           : state_ == state::in_use   ? origin.in_use
                                       : origin.draining);
        pool->give_place(origin);
    }
    if (gone && pool->on_close_)
        pool->on_close_(*gone, why);
}

}  // namespace regolo::net
