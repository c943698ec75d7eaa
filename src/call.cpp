#include "call.hpp"

#include "core/api_error.hpp"
#include "core/check_encoding.hpp"
#include "core/metadata_codec.hpp"
#include "core/plan_attempt.hpp"
#include "net/take_handler.hpp"

#include <regolo/try_await.hpp>
#include <regolo/version.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>

namespace regolo::inline v0::detail {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::string_view default_host = "api.regolo.ai";

constexpr const char* context_gone =
    "the client's execution context was destroyed while the call was running";

net::scope::reason cancelled() { return {asio::error::operation_aborted, "cancelled"}; }

retry_policy effective_policy(const client_config& config, const call_options& options)
{
    auto policy = options.retry.value_or(config.retry);
    if (options.max_retries)
        policy.max_retries = *options.max_retries;
    return policy;
}

bool names(const std::vector<header>& fields, std::string_view name)
{
    return find_header(fields, name).has_value();
}

[[noreturn]] void throw_no_key()
{
    error_info info;
    info.code = errc::no_key;
    info.message =
        "no API key: set the environment variable REGOLO_API_KEY, or client_config::key "
        "(a key comes from https://dashboard.regolo.ai)";
    throw error(std::move(info));
}

}  // namespace

prepared_request prepare(const client_state& client, const call_plan& plan,
                         const call_options& options, const std::string& call_id)
{
    const auto& config = client.config;
    core::check(options.time).value();
    core::check(effective_policy(config, options)).value();

    prepared_request ready;
    ready.url =
        options.base_url.empty() ? client.url : core::parse_base_url(options.base_url).value();
    const auto& where = ready.url.origin;

    auto& fields = ready.message.headers;
    fields.emplace_back("Accept", plan.stream ? "text/event-stream" : "application/json");
    ready.message.body = plan.body.value();
    if (ready.message.body)
        fields.emplace_back("Content-Type", plan.content_type);
    fields.emplace_back("User-Agent", config.user_agent.empty()
                                          ? "regolo-cpp/" + std::string(version())
                                          : config.user_agent);
    if (config.send_call_id)
    {
        fields.emplace_back("x-litellm-call-id", call_id);
        fields.emplace_back("x-client-request-id", call_id);
    }
    for (const auto& field : config.headers)
        core::set_header(fields, field);
    for (const auto& field : options.headers)
        core::set_header(fields, field);
    bool without_key = false;
    for (const auto& name : options.remove_headers)
    {
        core::remove_header(fields, name);
        without_key = without_key || core::iequals(name, "Authorization");
    }

    // The client's key is for the client's server alone.
    const credential none;
    const credential& key = without_key                  ? none
                            : !options.key.empty()       ? options.key
                            : where == client.url.origin ? config.key
                                                         : none;
    ready.key = key.internal();
    const bool has_key = ready.key != nullptr || names(fields, "Authorization");
    if (!has_key && !without_key && plan.needs_key && where.host == default_host)
        throw_no_key();
    core::check_plaintext(where, has_key, config.allow_plaintext).value();

    ready.message.method = plan.method;
    ready.message.target = core::make_target(ready.url, plan.path, options.query).value();
    return ready;
}

/// Wakes a reader that waits with a limit.
struct call::reader_alarm final : net::deadline_timer::entry
{
    explicit reader_alarm(call& owner) : entry(owner.client_->world->timer), reader(owner) {}
    ~reader_alarm() { detach(); }

    bool expired() noexcept override
    {
        try
        {
            asio::post(reader.scope_->executor(), [weak = reader.weak_from_this()] {
                if (const auto self = weak.lock())
                    self->resume_reader(errc::wait_timeout);
            });
            return true;
        }
        catch (...)
        {
            return false;
        }
    }

    call& reader;
};

/// The handler of a read. It tells where it is destroyed instead of called.
struct call::pending_read
{
    explicit pending_read(std::shared_ptr<call> owner) : reader(std::move(owner)) {}
    pending_read(pending_read&&) = default;
    pending_read& operator=(pending_read&&) = delete;
    ~pending_read()
    {
        if (reader)
            reader->abandon_read();
    }
    void operator()(error_code ec) { std::exchange(reader, nullptr)->on_read(ec); }

    std::shared_ptr<call> reader;
};

std::shared_ptr<call> call::start(std::shared_ptr<client_state> client, call_plan plan,
                                  call_options options)
{
    auto self = std::make_shared<call>(std::move(client), std::move(plan), std::move(options));
    ++self->client_->calls_started;
    self->scope_->limit_total(self->limits_.total.value_or(time_limits::duration::zero()),
                              self->options_.deadline);
    // From here on others may end it, on the strand: what is set up here must be so by now.
    self->client_->enter(*self);
    if (self->options_.stop.stop_possible())
    {
        // The callback's destructor waits for it, so that it never runs on a dead scope.
        self->stop_.emplace(self->options_.stop,
                            [target = self.get()] { target->abort(cancelled()); });
    }
    if (auto* watch = self->watcher())
        watch->call_started(self->event());
    return self;
}

call::call(std::shared_ptr<client_state> client, call_plan plan, call_options options)
    : client_(std::move(client)),
      plan_(std::move(plan)),
      options_(std::move(options)),
      call_id_(options_.call_id.empty() ? client_->make_call_id() : options_.call_id),
      limits_(core::resolve(options_.time, client_->config.time)),
      policy_(effective_policy(client_->config, options_)),
      scope_(std::make_shared<net::scope>(asio::make_strand(client_->executor),
                                          client_->world->timer)),
      began_(client_->world->timer->now()),
      origin_(client_->url.origin)
{
    metadata_.call_id = call_id_;
}

call::~call() { end(nullptr, {}, true); }

// ---- from the caller's executor to the strand and back

namespace {

/** The caller's end of an operation that runs on the strand. Where the strand's context is destroyed before it has
    answered, the caller hears that, instead of nothing. */
class delivery
{
public:
    using handler = asio::any_completion_handler<void(std::exception_ptr)>;

    delivery(handler done, const asio::any_io_executor& caller, const asio::any_io_executor& client)
        : done_(std::move(done)),
          caller_(asio::prefer(caller, asio::execution::outstanding_work.tracked)),
          same_context_(&asio::query(caller, asio::execution::context) ==
                        &asio::query(client, asio::execution::context))
    {}
    delivery(delivery&&) = default;
    delivery& operator=(delivery&&) = delete;

    ~delivery()
    {
        if (!done_ || same_context_)
            return;
        error_info info;
        info.code = errc::context_stopped;
        info.message = context_gone;
        (*this)(std::make_exception_ptr(error(std::move(info))));
    }

    void operator()(std::exception_ptr failure)
    {
        const auto caller = std::exchange(caller_, asio::any_io_executor());
        asio::dispatch(caller, [done = net::take_handler(done_), failure]() mutable {
            std::move(done)(failure);
        });
    }

private:
    handler done_;
    asio::any_io_executor caller_;
    bool same_context_;
};

}  // namespace

// The slot is that of the handler as it is kept: `any_completion_handler` takes the slot of the one put into it for
// itself, so that what was assigned there before is lost.
void call::obey(asio::cancellation_slot slot)
{
    if (!slot.is_connected())
        return;
    slot.assign([weak = weak_from_this()](asio::cancellation_type) {
        if (const auto target = weak.lock())
            target->abort(cancelled());
    });
}

call::work call::perform(work on_strand)
{
    return asio::async_initiate<const asio::use_awaitable_t<>&, void(std::exception_ptr)>(
        [self = shared_from_this()](auto done, work job) {
            const asio::any_io_executor caller = asio::get_associated_executor(done);
            delivery::handler answer(std::move(done));
            self->obey(asio::get_associated_cancellation_slot(answer));
            delivery result(std::move(answer), caller, self->client_->executor);
            asio::dispatch(self->scope_->executor(), [self, job = std::move(job),
                                                      result = std::move(result)]() mutable {
                self->performing_ = true;
                asio::co_spawn(self->scope_->executor(), std::move(job),
                               asio::bind_cancellation_slot(
                                   self->scope_->slot(), [self, result = std::move(result)](
                                                             std::exception_ptr failure) mutable {
                                       self->performing_ = false;
                                       result(std::move(failure));
                                   }));
            });
        },
        asio::use_awaitable, std::move(on_strand));
}

asio::awaitable<void> call::open(bool whole)
{
    const auto self = shared_from_this();
    client_->check_open(co_await asio::this_coro::executor);
    co_await perform(run(self, whole, std::nullopt));
}

asio::awaitable<void> call::reopen(error_info failure)
{
    const auto self = shared_from_this();
    source_.reset();
    next_piece_ = 0;
    reading_ = reading::idle;
    read_failed_ = false;
    first_event_ = false;
    first_event_wait_ = {};
    complete_info(failure);
    co_await perform(run(self, false, std::move(failure)));
}

// ---- attempts, on the strand

call::work call::run(std::shared_ptr<call> self, bool whole, std::optional<error_info> last)
{
    std::exception_ptr failure;
    try
    {
        co_await self->run_attempts(whole, std::move(last));
    }
    catch (...)
    {
        failure = std::current_exception();
    }
    if (!failure)
    {
        // Now, on the strand: until the caller has resumed, an abort may take the connection from the exchange.
        if (!whole)
            self->source_ = self->exchange_->used();
        co_return;
    }
    auto info = self->describe_failure(std::move(failure));
    if (self->exchange_)
    {
        self->exchange_->discard(self->scope_->aborted() ? close_reason::cancelled
                                                         : close_reason::failed);
    }
    throw error(std::move(info));
}

call::work call::run_attempts(bool whole, std::optional<error_info> last)
{
    scope_->check();
    if (!request_)
    {
        request_ = prepare(*client_, plan_, options_, call_id_);
        origin_ = request_->url.origin;
    }
    for (;;)
    {
        std::optional<core::wait> pause;
        decide(last, pause);
        if (exchange_)
        {
            bytes_received_ += exchange_->bytes_received();
            exchange_->discard(close_reason::failed);
        }
        if (pause)
        {
            pause_planned(*pause, *last);
            co_await scope_->sleep_until(client_->world->timer->now() + pause->delay);
        }
        co_await client_->gate->admit(scope_);
        ++attempts_;
        ++client_->attempts;
        attempt_began_ = client_->world->timer->now();

        std::exception_ptr failure;
        for (bool fresh = false;; fresh = true)
        {
            failure = nullptr;
            try
            {
                co_await attempt_once(whole, fresh);
            }
            catch (...)
            {
                failure = std::current_exception();
            }
            if (!failure)
                co_return;
            if (fresh || scope_->aborted() || !exchange_ || !exchange_->is_stale())
                break;
            stale_replay(failure);
        }
        last = describe_failure(std::move(failure));
        if (scope_->revive())
        {
            if (exchange_)
                exchange_->discard(close_reason::cancelled);
            co_await asio::this_coro::reset_cancellation_state();
        }
        scope_->check();
        if (last->code == errc::unauthorized && !key_renewed_ && request_->key &&
            request_->key->renewable())
        {
            // The provider is asked again; one refused key is no reason to give up.
            key_renewed_ = true;
            last.reset();
        }
    }
}

void call::decide(const std::optional<error_info>& last, std::optional<core::wait>& pause)
{
    core::call_view view{policy_};
    const auto now = client_->world->timer->now();
    if (const auto end = scope_->end_of_time())
        view.time_left = *end - now;
    if (last)
        view.attempt_took = now - attempt_began_;
    view.random = client_->world->random->uniform();
    const auto plan = core::plan_attempt(view, attempts_, last ? &*last : nullptr);
    if (const auto* stop = std::get_if<core::give_up>(&plan))
    {
        throw error(stop->instead ? *stop->instead : *last);
    }
    if (const auto* later = std::get_if<core::wait>(&plan))
        pause = *later;
}

void call::pause_planned(const core::wait& pause, const error_info& reason)
{
    ++client_->retries;
    if (pause.gates_client)
        client_->gate->pause_until(client_->world->timer->now() + pause.floor);
    if (auto* watch = watcher())
    {
        const auto told = for_observers(reason);
        retry_event planned{told};
        planned.delay = std::chrono::duration_cast<std::chrono::milliseconds>(pause.delay);
        watch->retry_planned(event(), planned);
    }
}

void call::stale_replay(const std::exception_ptr& failure)
{
    ++client_->stale_replays;
    if (auto* watch = watcher())
    {
        const auto told = for_observers(describe_failure(failure));
        retry_event planned{told};
        planned.stale_connection = true;
        watch->retry_planned(event(), planned);
    }
    exchange_->discard(close_reason::closed_by_peer);
}

call::work call::attempt_once(bool whole, bool fresh)
{
    exchange_ = std::make_shared<net::exchange>(client_->world, scope_, limits_,
                                                static_cast<net::exchange_listener&>(*this));
    if (request_->key)
        co_await renew_key();
    co_await exchange_->open(request_->message, key_, request_->url.origin, fresh);
    note_head();
    co_await check_head();
    if (!whole)
        co_return;
    const auto& bounds = client_->config.limits;
    body_ = co_await exchange_->read_body(bounds.body, "limits::body");
    bytes_received_ += exchange_->bytes_received();
    exchange_->finish();
}

// Asks for the key anew, which a fixed one answers at once.
call::work call::renew_key()
{
    error_info info;
    try
    {
        key_ = co_await request_->key->get(scope_->executor());
        co_return;
    }
    catch (const error&)
    {
        throw;
    }
    catch (const boost::system::system_error& failure)
    {
        info.code = failure.code();
    }
    scope_->check();
    info.message = "no key: the credential's provider failed: " + info.code.message();
    throw error(std::move(info));
}

call::work call::check_head()
{
    const auto& head = exchange_->head();
    if (head.status / 100 == 2)
    {
        core::check_encoding(head).value();
        co_return;
    }
    std::string text;
    try
    {
        text = co_await exchange_->read_body(client_->config.limits.error_body, nullptr);
    }
    catch (const boost::system::system_error&)
    {
        // The status says enough.
    }
    scope_->check();
    auto info = core::decode_error(head, text, client_->world->timer->wall());
    info.where = phase::body;
    info.sent = true;
    bytes_received_ += exchange_->bytes_received();
    exchange_->finish();
    throw error(std::move(info));
}

void call::note_head()
{
    auto& told = metadata_;
    told = regolo::metadata();
    core::read_head(exchange_->head(), told);
    for (auto& field : told.headers)
    {
        // Some gateways send the key back.
        if (key_ && !key_->empty() && field.value.find(key_->view()) != std::string::npos)
            field.value = core::redact(field.value, key_->view());
    }
    told.call_id = call_id_;
    told.attempts = attempts_;
    told.reused_connection = exchange_->reused();
    told.timings = exchange_->timings();
    if (auto* watch = watcher())
        watch->head_received(event(), told);
}

error_info call::describe_failure(std::exception_ptr failure)
{
    error_info info;
    if (exchange_)
    {
        info = exchange_->explain(std::move(failure));
    }
    else if (const auto* reason = scope_->aborted())
    {
        info.code = reason->code;
        info.message = reason->message;
    }
    else
    {
        info = to_error_info(std::move(failure));
    }
    complete_info(info);
    return info;
}

// What every error of this call tells. Texts of the server may repeat the key.
void call::complete_info(error_info& info) const
{
    info.call_id = call_id_;
    info.attempts = attempts_;
    if (exchange_ && info.metadata.status == 0 && metadata_.status != 0 &&
        (info.where == phase::body || info.where == phase::head))
    {
        info.metadata = metadata_;
        info.http_status = metadata_.status;
    }
    if (info.request_id.empty())
        info.request_id = info.metadata.request_id;
    info.metadata.call_id = call_id_;
    info.metadata.attempts = attempts_;
    if (exchange_)
    {
        info.metadata.timings = exchange_->timings();
        info.metadata.reused_connection = exchange_->reused();
    }
    info.metadata.timings.total = client_->world->timer->now() - began_;
    core::redact(info, key_ ? key_->view() : std::string_view());
}

// ---- the body of a stream

call::feed call::take(std::string_view& piece)
{
    if (reading_.load(std::memory_order_acquire) == reading::pending || !source_)
        return feed::wait;
    auto& reader = source_->reader;
    if (next_piece_ < reader.pieces().size())
    {
        piece = reader.pieces()[next_piece_++];
        return feed::bytes;
    }
    if (read_failed_)
        return feed::failed;
    return reader.done() ? feed::end : feed::wait;
}

asio::awaitable<void> call::wait_body(std::chrono::nanoseconds limit, bool first_event)
{
    return asio::async_initiate<const asio::use_awaitable_t<>&, void(error_code)>(
        [self = shared_from_this()](auto done, std::chrono::nanoseconds wait, bool first) {
            const asio::any_io_executor caller = asio::get_associated_executor(done);
            reader_handler reader(std::move(done));
            self->obey(asio::get_associated_cancellation_slot(reader));
            asio::dispatch(self->scope_->executor(),
                           [self, wait, first, done = std::move(reader),
                            caller = asio::prefer(
                                caller, asio::execution::outstanding_work.tracked)]() mutable {
                               self->reader_.swap(done);
                               self->reader_executor_ = std::move(caller);
                               self->start_wait(wait, first);
                           });
        },
        asio::use_awaitable, limit, first_event);
}

void call::start_wait(std::chrono::nanoseconds limit, bool first_event)
{
    switch (reading_.load(std::memory_order_relaxed))
    {
        case reading::arrived:
            return resume_reader({});
        case reading::pending:
            break;
        case reading::idle:
            if (scope_->aborted() || !exchange_ || !exchange_->has_connection())
            {
                return on_read(asio::error::operation_aborted);
            }
            start_read(first_event);
            break;
    }
    if (limit <= limit.zero())
        return;
    if (!reader_alarm_)
        reader_alarm_ = std::make_unique<reader_alarm>(*this);
    reader_alarm_->arm(client_->world->timer->now() + limit);
}

void call::start_read(bool first_event)
{
    bytes_before_read_ = exchange_->bytes_received();
    reading_.store(reading::pending, std::memory_order_relaxed);
    next_piece_ = 0;
    waits_for_first_ = first_event;
    read_began_ = client_->world->timer->now();
    const auto none = time_limits::duration::zero();
    if (first_event)
    {
        scope_->arm_phase(errc::first_event_timeout, limits_.first_event.value_or(none),
                          first_event_wait_);
    }
    else
    {
        scope_->arm_phase(errc::idle_timeout, limits_.idle.value_or(none));
    }
    exchange_->async_read_body(
        asio::bind_executor(scope_->executor(), pending_read{shared_from_this()}));
}

// The strand's context goes, and with it the read. The reader's coroutine, which only `reader_` keeps, goes as well if it
// lives there; otherwise it hears of it.
void call::abandon_read() noexcept
{
    if (!reader_)
        return;
    if (&asio::query(reader_executor_, asio::execution::context) ==
        &asio::query(client_->executor, asio::execution::context))
    {
        reader_executor_ = asio::any_io_executor();
        const auto gone = net::take_handler(reader_);
        return;
    }
    read_failed_ = true;
    read_failure_.code = errc::context_stopped;
    read_failure_.where = phase::body;
    read_failure_.message = context_gone;
    reading_.store(reading::arrived, std::memory_order_release);
    resume_reader({});
}

void call::on_read(error_code ec)
{
    scope_->disarm_phase();
    if (waits_for_first_)
        first_event_wait_ += client_->world->timer->now() - read_began_;
    if (ec)
    {
        read_failed_ = true;
        read_failure_ = exchange_->explain(ec);
        complete_info(read_failure_);
    }
    reading_.store(reading::arrived, std::memory_order_release);
    resume_reader({});
}

void call::resume_reader(error_code ec)
{
    if (reader_alarm_)
        reader_alarm_->disarm();
    if (!reader_)
        return;
    // What has arrived belongs to the caller from here on.
    if (!ec)
        reading_.store(reading::idle, std::memory_order_relaxed);
    const auto caller = std::exchange(reader_executor_, asio::any_io_executor());
    asio::dispatch(caller,
                   [done = net::take_handler(reader_), ec]() mutable { std::move(done)(ec); });
}

void call::saw_first_event()
{
    first_event_ = true;
    const auto now = client_->world->timer->now();
    metadata_.timings.first_event = now - exchange_->head_at();
    if (auto* watch = watcher())
    {
        first_event_info seen;
        seen.since_start = now - began_;
        seen.since_head = *metadata_.timings.first_event;
        watch->first_event(event(), seen);
    }
}

// ---- the end

// Takes leave of the connection's buffer, which the strand may now give away.
void call::let_go() noexcept
{
    // A read that goes on after a wait that timed out may be adding to the count right now.
    if (source_)
    {
        bytes_received_ += reading_.load(std::memory_order_acquire) == reading::pending
                               ? bytes_before_read_
                               : source_->reader.bytes();
    }
    source_.reset();
}

void call::succeed(const call_outcome& result)
{
    metadata_.model = result.model;
    metadata_.timings.total = client_->world->timer->now() - began_;
    let_go();
    asio::dispatch(scope_->executor(), [self = shared_from_this()] {
        if (self->exchange_)
            self->exchange_->finish();
    });
    end(nullptr, result, false);
}

error_info call::fail(error_info info, const call_outcome& result)
{
    if (info.call_id.empty())
        complete_info(info);
    let_go();
    const bool from_outside = info.code == asio::error::operation_aborted;
    leave_connection(from_outside ? close_reason::cancelled : close_reason::failed);
    end(&info, result, false);
    return info;
}

// Nothing of the exchange is of use any more. A running coroutine gives its connection up itself when it unwinds.
void call::leave_connection(close_reason why) noexcept
{
    try
    {
        asio::dispatch(scope_->executor(), [self = shared_from_this(), why] {
            self->scope_->abort(cancelled());
            if (!self->performing_ && self->exchange_)
                self->exchange_->discard(why);
        });
    }
    catch (...)
    {
        // Out of memory: the connection goes with the call.
    }
}

void call::abort(net::scope::reason why) noexcept
{
    try
    {
        asio::dispatch(scope_->executor(),
                       [weak = weak_from_this(), why = std::move(why)]() mutable {
                           const auto self = weak.lock();
                           if (!self)
                               return;
                           self->scope_->abort(std::move(why));
                           // A running coroutine gives its connection up itself when it unwinds.
                           if (!self->performing_ && self->exchange_)
                               self->exchange_->discard(close_reason::cancelled);
                       });
    }
    catch (...)
    {
        // Out of memory: the time limits remain.
    }
}

void call::drop(const call_outcome& result) noexcept
{
    if (ended_)
        return;
    let_go();
    leave_connection(close_reason::cancelled);
    end(nullptr, result, true);
}

error_info call::for_observers(error_info info)
{
    info.partial_text.clear();
    info.server_message.clear();
    info.server_param.clear();
    info.metadata.headers.clear();
    return info;
}

void call::end(const error_info* failure, const call_outcome& result, bool dropped) noexcept
{
    if (ended_.exchange(true))
        return;
    client_->leave(*this);
    if (failure != nullptr)
        ++client_->calls_failed;
    auto* watch = watcher();
    if (watch == nullptr)
        return;
    try
    {
        end_event over;
        error_info told;
        if (failure != nullptr)
        {
            told = for_observers(*failure);
            over.error = &told;
            over.code = failure->code;
            over.where = failure->where;
            over.status = failure->http_status;
        }
        else
        {
            over.status = metadata_.status;
        }
        if (dropped)
            over.code = asio::error::operation_aborted;
        over.finish_reason = result.finish_reason;
        over.model_served = result.model;
        over.usage = result.usage;
        over.bytes_sent = bytes_sent_;
        over.bytes_received = bytes_received_;
        over.attempts = attempts_;
        over.dropped = dropped;
        over.duration = client_->world->timer->now() - began_;
        watch->call_ended(event(), over);
    }
    catch (...)
    {
        // Out of memory for the copy of the error: an observer is not worth more.
    }
}

// ---- events

call_event call::event() const noexcept
{
    call_event now;
    now.call_id = call_id_;
    now.operation = plan_.operation;
    now.path = plan_.path;
    now.server_address = origin_.host;
    now.server_port = origin_.port;
    now.model = plan_.model;
    now.stream = plan_.stream;
    now.attempt = attempts_;
    now.context = &options_.context;
    return now;
}

void call::on_queued() noexcept
{
    if (auto* watch = watcher())
        watch->queued(event());
}

void call::on_connected(const net::connection& used, bool reused,
                        std::chrono::nanoseconds queued) noexcept
{
    auto* watch = watcher();
    if (watch == nullptr)
        return;
    connection_event made;
    made.id = used.id;
    made.reused = reused;
    made.queued = queued;
    if (!reused)
    {
        made.resolve = used.resolve_time;
        made.connect = used.connect_time;
        made.tls = used.tls_time;
    }
    made.tls_resumed = used.tls_resumed;
    watch->connection_acquired(event(), made);
}

void call::on_sent(const net::connection& used, std::size_t body_bytes) noexcept
{
    bytes_sent_ += body_bytes;
    if (auto* watch = watcher())
    {
        request_event sent;
        sent.body_bytes = body_bytes;
        sent.connection_id = used.id;
        watch->request_sent(event(), sent);
    }
}

}  // namespace regolo::inline v0::detail
