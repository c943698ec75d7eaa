#include "client_state.hpp"

#include "core/check_options.hpp"
#include "core/uuid.hpp"
#include "credential_state.hpp"
#include "net/alarm.hpp"
#include "net/resolver.hpp"

#include <regolo/version.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

namespace regolo::inline v0::detail {

namespace asio = boost::asio;

namespace {

error closed_error()
{
    error_info info;
    info.code = errc::client_closed;
    info.message = "the client was closed; make a new one";
    return error(std::move(info));
}

// The io_context behind an executor, if it is one. Other contexts cannot be asked whether they have stopped.
asio::io_context* io_context_of(const asio::any_io_executor& executor)
{
    using plain = asio::io_context::executor_type;
    if (const auto* direct = executor.target<plain>())
        return &direct->context();
    if (const auto* strand = executor.target<asio::strand<plain>>())
    {
        return &strand->get_inner_executor().context();
    }
    if (const auto* strand = executor.target<asio::strand<asio::any_io_executor>>())
    {
        return io_context_of(strand->get_inner_executor());
    }
    return nullptr;
}

net::connection_pool::close_listener closing_listener(std::shared_ptr<observer> watcher,
                                                      std::shared_ptr<net::deadline_timer> timer)
{
    if (!watcher)
        return {};
    return [watcher = std::move(watcher), timer = std::move(timer)](const net::connection& gone,
                                                                    close_reason why) {
        close_event event;
        event.connection_id = gone.id;
        event.origin = gone.origin;
        event.reason = why;
        event.exchanges = gone.exchanges;
        event.age = timer->now() - gone.opened;
        watcher->connection_closed(event);
    };
}

}  // namespace

std::shared_ptr<client_state> client_state::make(asio::any_io_executor executor,
                                                 client_config config, seams outside)
{
    core::check(config.time).value();
    core::check(config.retry).value();
    core::check(config.pool).value();
    core::check(config.limits).value();
    auto url = core::parse_base_url(config.base_url).value();
    core::check_plaintext(url.origin, !config.key.empty(), config.allow_plaintext).value();
    if (config.key.internal())
        config.key.internal()->check();
    if (config.user_agent.empty())
        config.user_agent = "regolo-cpp/" + std::string(version());
    auto state = std::make_shared<client_state>(std::move(executor), std::move(config),
                                                std::move(url), std::move(outside));
    // Tells now of files that cannot be read.
    if (state->url.origin.tls)
        state->tls();
    return state;
}

client_state::client_state(asio::any_io_executor on, client_config settings, core::base_url parsed,
                           seams outside)
    : executor(std::move(on)),
      config(std::move(settings)),
      url(std::move(parsed)),
      world(std::make_shared<net::world>())
{
    world->executor = executor;
    world->timer = std::make_shared<net::deadline_timer>(
        outside.clock ? std::move(outside.clock) : net::make_system_clock(executor));
    world->random = outside.random ? std::move(outside.random) : net::make_random_source();
    world->proxies = core::proxy_rules::make(config.proxy).value();
    world->head_limit = config.limits.head;
    world->pool = std::make_shared<net::connection_pool>(
        executor, world->timer, config.pool, closing_listener(config.observer, world->timer));
    world->dial = outside.dial ? std::move(outside.dial) : make_dialer(std::move(outside.names));
    gate = std::make_shared<client_admission>(world->random);
}

std::shared_ptr<net::dialer> client_state::make_dialer(std::shared_ptr<net::resolver> names)
{
    net::dialer_parts parts;
    parts.executor = executor;
    parts.names = names ? std::move(names) : net::make_system_resolver(config.pool.dns_cache);
    parts.tls = [this] { return tls(); };  // exchanges keep their call, and so this state, alive
    parts.options = config.pool;
    parts.head_limit = config.limits.head;
    return net::make_dialer(std::move(parts));
}

std::shared_ptr<net::tls_context> client_state::tls()
{
    const std::lock_guard lock(mutex_);
    if (!tls_)
        tls_ = net::make_tls_context(config.tls);
    return tls_;
}

bool client_state::stopped_for(const asio::any_io_executor& caller) const
{
    auto* const own = io_context_of(executor);
    return own != nullptr && own->stopped() && io_context_of(caller) != own;
}

error context_stopped_error()
{
    error_info info;
    info.code = errc::context_stopped;
    info.message =
        "the client's io_context has stopped, so that the call could never finish; keep it "
        "running (a work guard helps) or make the client on the caller's executor";
    return error(std::move(info));
}

void client_state::check_open(const asio::any_io_executor& caller) const
{
    if (closed_)
        throw closed_error();
    if (stopped_for(caller))
        throw context_stopped_error();
}

/// A drain's entry in the list of those to wake.
struct client_state::drain_place
{
    client_state& state;
    net::alarm bell;
    bool finished =
        false;  // no call was left; with the state's lock. Refused ones may have come and gone since.

    explicit drain_place(client_state& owner) : state(owner), bell(owner.world->timer)
    {
        const std::lock_guard lock(state.mutex_);
        state.drains_.push_back(this);
        if (state.calls_.empty())
            finish();
    }
    ~drain_place()
    {
        const std::lock_guard lock(state.mutex_);
        state.drains_.remove(this);
    }
    drain_place(const drain_place&) = delete;
    drain_place& operator=(const drain_place&) = delete;

    void finish()
    {
        finished = true;
        bell.woken.complete(net::error_code());
    }
};

asio::any_io_executor client_state::make_strand() const
{
    if (const auto* plain = executor.target<asio::io_context::executor_type>())
        return asio::make_strand(*plain);
    return asio::make_strand(executor);
}

void client_state::enter(running_call& who)
{
    const std::lock_guard lock(mutex_);
    calls_.push_back(who);
}

void client_state::leave(running_call& who) noexcept
{
    const std::lock_guard lock(mutex_);
    if (!who.is_linked())
        return;
    calls_.erase(calls_.iterator_to(who));
    if (!calls_.empty())
        return;
    for (auto* waiting : drains_)
        waiting->finish();
}

std::string client_state::make_call_id() const
{
    std::array<unsigned char, 16> bytes{};
    for (std::size_t i = 0; i < bytes.size(); i += 8)
    {
        const auto chance = world->random->next();
        std::memcpy(bytes.data() + i, &chance, 8);
    }
    return core::make_uuid(bytes);
}

client_stats client_state::stats() const
{
    const auto figures = world->pool->figures();
    client_stats all;
    all.connecting = figures.connecting;
    all.in_use = figures.in_use;
    all.idle = figures.idle;
    all.draining = figures.draining;
    all.waiting = figures.waiting;
    all.connections = all.connecting + all.in_use + all.idle + all.draining;
    {
        const std::lock_guard lock(mutex_);
        all.calls = calls_.size();
    }
    all.calls_started = calls_started;
    all.calls_failed = calls_failed;
    all.attempts = attempts;
    all.retries = retries;
    all.stale_replays = stale_replays;
    all.connections_opened = figures.opened;
    all.connections_reused = figures.reused;
    all.tls_resumed = figures.tls_resumed;
    return all;
}

void client_state::close() noexcept
{
    closed_ = true;
    std::size_t left = 0;
    {
        const std::lock_guard lock(mutex_);
        left = calls_.size();
    }
    // One by one, each without the lock; those that have been told go to the end of the list.
    for (; left != 0; --left)
    {
        std::shared_ptr<running_call> running;
        {
            const std::lock_guard lock(mutex_);
            if (calls_.empty())
                break;
            calls_.splice(calls_.end(), calls_, calls_.begin());
            running = calls_.back().hold();
        }
        if (running)
            running->abort({make_error_code(errc::client_closed), "the client was closed"});
    }
    world->pool->close();
}

void client_state::retire() noexcept { world->pool->retire(); }

asio::awaitable<bool> client_state::drain(std::shared_ptr<client_state> self,
                                          std::chrono::nanoseconds limit)
{
    self->closed_ = true;
    bool finished = false;
    {
        drain_place place(*self);
        constexpr std::chrono::hours longest{24 * 365};  // what the clock can add without overflow
        place.bell.arm(self->world->timer->now() +
                       std::min<std::chrono::nanoseconds>(limit, longest));
        co_await place.bell.woken.wait();
        const std::lock_guard lock(self->mutex_);
        finished = place.finished;
    }
    self->close();
    co_return finished;
}

}  // namespace regolo::inline v0::detail
