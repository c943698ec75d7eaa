#include "call.hpp"

#include "core/api_error.hpp"
#include "core/check_encoding.hpp"
#include "core/metadata_codec.hpp"
#include "credential_state.hpp"
#include "delivery.hpp"
#include "net/dispatch.hpp"
#include "net/saturate.hpp"

#include <regolo/try_await.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/assert.hpp>

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

namespace regolo::inline v0::detail {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

net::scope::reason cancelled() { return {asio::error::operation_aborted, "cancelled"}; }

net::scope::reason stopped() { return {asio::error::operation_aborted, stopped_by_token}; }

/// The server was asked for too much.
bool is_refusal(const error_info& failure)
{
    const int status = core::effective_status(failure);
    return status == 429 || status == 503 || status == 529;
}

}  // namespace

std::shared_ptr<call> call::start(std::shared_ptr<client_state>&& client, call_plan&& plan,
                                  call_options&& options, std::shared_ptr<admission>&& gate)
{
    auto self = std::make_shared<call>(std::move(client), std::move(plan), std::move(options),
                                       std::move(gate));
    ++self->client_->calls_started;
    self->scope_->limit_total(self->limits_.total.value_or(time_limits::duration::zero()),
                              self->options_.deadline);
    // From here on others may end it, on the strand: what is set up here must be so by now.
    self->client_->enter(*self);
    if (self->options_.stop.stop_possible())
    {
        // The callback's destructor waits for it, so that it never runs on a dead scope.
        self->stop_.emplace(self->options_.stop,
                            [target = self.get()] { target->abort(stopped()); });
    }
    self->report_.started();
    return self;
}

call::call(std::shared_ptr<client_state>&& client, call_plan&& plan, call_options&& options,
           std::shared_ptr<admission>&& gate)
    : client_(std::move(client)),
      plan_(std::move(plan)),
      options_(std::move(options)),
      call_id_(options_.call_id.empty() ? client_->make_call_id() : options_.call_id),
      limits_(core::resolve(options_.time, client_->config.time)),
      policy_(effective_policy(client_->config, options_)),
      gate_(gate ? std::move(gate) : client_->gate),
      scope_(std::make_shared<net::scope>(client_->make_strand(), client_->world->timer)),
      feed_(plan_.stream ? std::make_shared<body_feed>(scope_, limits_) : nullptr),
      report_(*client_, plan_, options_, call_id_)
{}

call::~call() { end(nullptr, {}, true); }

// ---- from the caller's executor to the strand and back

void call::obey(asio::cancellation_slot slot)
{
    if (!slot.is_connected())
        return;
    slot.assign([weak = weak_from_this()](asio::cancellation_type) {
        if (const auto target = weak.lock())
            target->abort(cancelled());
    });
}

call::work call::perform(bool whole, core::kept_failure last)
{
    return asio::async_initiate<const asio::use_awaitable_t<>&, void(std::exception_ptr)>(
        [self = shared_from_this(), whole](auto done, work attempts, delivery result) {
            result.take(std::move(done));
            self->obey(result.get_cancellation_slot());
            net::dispatch(self->scope_->executor(), [self, whole, attempts = std::move(attempts),
                                                     result = std::move(result)]() mutable {
                self->performing_ = true;
                asio::co_spawn(self->scope_->executor(), std::move(attempts),
                               asio::bind_cancellation_slot(
                                   self->scope_->slot(), [self, whole, result = std::move(result)](
                                                             std::exception_ptr failure) mutable {
                                       failure = self->end_attempts(std::move(failure), whole);
                                       self->performing_ = false;
                                       result(std::move(failure));
                                   }));
            });
        },
        asio::use_awaitable, run_attempts(whole, std::move(last)), delivery(client_->executor));
}

asio::awaitable<void> call::open(const asio::any_io_executor& caller, bool whole)
{
    client_->check_open(caller);
    return perform(whole, {});
}

asio::awaitable<void> call::reopen(error_info failure)
{
    if (feed_)
        feed_->reset();
    complete_info(failure);
    co_await perform(!feed_, std::move(failure));
}

asio::awaitable<void> call::wait_body(std::chrono::nanoseconds limit, bool first_event)
{
    return asio::async_initiate<const asio::use_awaitable_t<>&, void(error_code)>(
        [self = shared_from_this()](auto done, std::chrono::nanoseconds wait, bool first) {
            const asio::any_io_executor caller = asio::get_associated_executor(done);
            body_feed::handler reader(
                asio::prefer(caller, asio::execution::outstanding_work.tracked), std::move(done));
            self->obey(reader.get_cancellation_slot());
            net::dispatch(self->scope_->executor(),
                          [self, wait, first, reader = std::move(reader)]() mutable {
                              self->feed_->wait(std::move(reader), wait, first);
                          });
        },
        asio::use_awaitable, limit, first_event);
}

void call::saw_first_event()
{
    metadata_.timings.first_event = now() - exchange_->head_at();
    report_.first_event(*metadata_.timings.first_event);
}

// The request is not sent again, and may be large. What of it is secret has to be known to the end.
void call::commit() noexcept
{
    BOOST_ASSERT(request_);
    plan_.body = {};
    request_->body = {};
    auto& fields = request_->message.headers;
    std::erase_if(fields, [](const auto& field) { return !core::is_secret_field(field.name); });
    if (fields.empty())
        request_.reset();
}

// ---- attempts, on the strand

call::work call::run_attempts(bool whole, core::kept_failure last)
{
    std::exception_ptr failure;
    try
    {
        scope_->check();
        if (!request_)
        {
            request_ =
                std::make_unique<prepared_request>(prepare(*client_, plan_, options_, call_id_));
            report_.set_origin(request_->url.origin);
        }
        if (last && place_)
            place_->leave(is_refusal(*last));
        for (;;)
        {
            if (!last)
                scope_->check_time();
            const auto pause = next_pause(last);
            discard_exchange(close_reason::failed);
            auto not_before = net::clock::time_point::min();
            if (pause)
            {
                ++client_->retries;
                if (pause->gates_client)
                    gate_->pause_until(now() + pause->floor);
                report_.retry_planned(*last, pause->delay);
                not_before = now() + pause->delay;
            }
            auto ticket = gate_->try_admit(not_before, now());
            if (!ticket)
                ticket = co_await admit(not_before, last);
            place_.emplace(*gate_, *ticket);
            report_.count_attempt();
            ++client_->attempts;
            attempt_began_ = now();

            auto broken = co_await attempt(whole);
            if (!broken)
                co_return;
            last = describe_failure(std::move(broken));
            sent_once_ = sent_once_ || last->sent;
            if (is_refusal(*last) && last->retry_after)
            {
                gate_->note_refusal(net::later(
                    now(),
                    std::min<net::scope::duration>(*last->retry_after, policy_.retry_after_cap)));
            }
            place_->leave(is_refusal(*last));
            if (request_->body.one_shot && exchange_ && exchange_->opened_source())
                throw error(*last);
            if (scope_->revive())
            {
                discard_exchange(close_reason::cancelled);
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
    catch (...)
    {
        failure = std::current_exception();
    }
    // Where this was cancelled without ever having waited, Asio would throw on its way to the completion handler.
    co_await asio::this_coro::throw_if_cancelled(false);
    std::rethrow_exception(failure);
}

std::exception_ptr call::end_attempts(std::exception_ptr failure, bool whole) noexcept
{
    try
    {
        if (!failure)
        {
            // Now, on the strand: until the caller has resumed, an abort may take the connection from the exchange.
            if (whole)
                place_.reset();
            else
                feed_->start(exchange_);
            return nullptr;
        }
        auto info = describe_failure(std::move(failure));
        discard_exchange(scope_->aborted() ? close_reason::cancelled : close_reason::failed);
        place_.reset();
        return std::make_exception_ptr(error(std::move(info)));
    }
    catch (...)
    {
        return std::current_exception();
    }
}

// A gate that lets nothing in any more leaves a call with the failure it had, unless nothing was ever sent: then that counts.
asio::awaitable<admission::ticket> call::admit(net::clock::time_point not_before,
                                               const core::kept_failure& last)
{
    std::exception_ptr refused;
    bool never_sent = false;
    try
    {
        co_return co_await gate_->admit(scope_, not_before);
    }
    catch (const error& closed)
    {
        refused = std::current_exception();
        never_sent = closed.code() == errc::not_started && !sent_once_;
    }
    if (last && !scope_->aborted() && !never_sent)
        throw error(*last);
    std::rethrow_exception(refused);
}

std::optional<core::wait> call::next_pause(const core::kept_failure& last) const
{
    core::call_view view{policy_};
    if (const auto end = scope_->end_of_time())
        view.time_left = *end - now();
    if (last)
        view.attempt_took = now() - attempt_began_;
    view.random = client_->world->random->uniform();
    const auto plan = core::plan_attempt(view, report_.attempts(), last ? &*last : nullptr);
    if (const auto* stop = std::get_if<core::give_up>(&plan))
        throw error(stop->instead ? *stop->instead : *last);
    const auto* later = std::get_if<core::wait>(&plan);
    return later != nullptr ? std::optional(*later) : std::nullopt;
}

asio::awaitable<std::exception_ptr> call::attempt(bool whole)
{
    constexpr const char* limit_name = "limits::body";
    // What cannot be sent again does not go on a connection that may be dead.
    for (bool fresh = request_->body.one_shot;; fresh = true)
    {
        std::exception_ptr failure;
        try
        {
            exchange_ = std::make_shared<net::exchange>(client_->world, scope_, limits_, report_);
            if (metadata_.status != 0)
                metadata_ = {};  // of an earlier attempt
            if (request_->key && !request_->key->renewable())
                key_ = request_->key->fixed;
            else if (request_->key)
                co_await renew_key();
            co_await exchange_->open(request_->message, request_->body, key_, request_->url.origin,
                                     fresh);
            if (exchange_->head().status / 100 != 2)
                co_await refuse();
            accept_head(whole);
            scope_->check();  // an observer may have stopped the call
            if (!whole)
                co_return nullptr;
            body_.clear();
            if (!exchange_->take_body(body_, bounds().body, limit_name))
                co_await exchange_->read_body(body_, bounds().body, limit_name);
            report_.count_received(exchange_->bytes_received());
            exchange_->finish();
            co_return nullptr;
        }
        catch (...)
        {
            failure = std::current_exception();
        }
        if (fresh || scope_->aborted() || !exchange_ || !exchange_->is_stale(!policy_.replay_stale))
            co_return failure;
        ++client_->stale_replays;
        report_.stale_replay(describe_failure(std::move(failure)));
        discard_exchange(close_reason::closed_by_peer);
    }
}

// Asks the provider.
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

void call::accept_head(bool whole)
{
    auto& head = exchange_->head();
    const auto encoding = core::check_encoding(head);
    // A stream looks at its fields once more.
    if (whole)
        note_head(std::move(head));
    else
        note_head(core::response_head(head));
    encoding.value();
}

void call::note_head(core::response_head&& head)
{
    auto& told = metadata_;
    core::read_head(std::move(head), told);
    // some gateways send it back
    for_each_secret([&](std::string_view secret) { core::redact(told, secret); });
    told.call_id = call_id_;
    told.model_asked = plan_.model;
    told.attempts = report_.attempts();
    told.reused_connection = exchange_->reused();
    told.timings = exchange_->timings();
    report_.head_received(told);
}

// Throws what the server says, as far as it can be read.
call::work call::refuse()
{
    note_head(core::response_head(exchange_->head()));
    auto refused = co_await read_error();
    throw error(std::move(refused));
}

asio::awaitable<error_info> call::read_error()
{
    // Taken before an abort may take the connection.
    const auto head = exchange_->head();
    std::string text;
    bool is_whole = false;
    try
    {
        co_await exchange_->read_body(text, bounds().error_body, nullptr);
        is_whole = true;
    }
    catch (const boost::system::system_error&)
    {
        // The status says enough, also where the words do not come in time.
    }
    if (!is_whole && scope_->revive())
        co_await asio::this_coro::reset_cancellation_state();
    scope_->check();
    auto info = core::decode_error(head, text, client_->world->timer->wall());
    info.where = phase::body;
    info.sent = true;
    if (is_whole)
    {
        report_.count_received(exchange_->bytes_received());
        exchange_->finish();
    }
    co_return info;
}

// Of no use any more, but what it has received counts.
void call::discard_exchange(close_reason why) noexcept
{
    if (!exchange_)
        return;
    report_.count_received(exchange_->bytes_received());
    exchange_->discard(why);
}

// ---- errors

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
    info.attempts = report_.attempts();
    info.sent = info.sent || (exchange_ && exchange_->sent());
    if (exchange_ && info.metadata.status == 0 && metadata_.status != 0 &&
        (info.where == phase::body || info.where == phase::head))
    {
        info.metadata = metadata_;
        info.http_status = metadata_.status;
    }
    if (info.request_id.empty())
        info.request_id = info.metadata.request_id;
    info.metadata.call_id = call_id_;
    info.metadata.model_asked = plan_.model;
    info.metadata.attempts = report_.attempts();
    if (exchange_)
    {
        info.metadata.timings = exchange_->timings();
        info.metadata.reused_connection = exchange_->reused();
    }
    info.metadata.timings.total = report_.since_start();
    // Of what the model has said only the key itself goes: a proxy's password may be a common word.
    std::string answer = std::exchange(info.partial_text, {});
    core::redact(info, {});
    for_each_secret([&](std::string_view secret) { core::redact(info, secret); });
    info.partial_text = key_ ? core::redact_key(answer, key_->view()) : std::move(answer);
}

template <class Function>
void call::for_each_secret(Function hide) const
{
    if (key_)
        hide(key_->view());
    if (request_)
    {
        for (const auto& field : request_->message.headers)
        {
            if (core::is_secret_field(field.name))
                hide(core::secret_part(field.value));
        }
    }
    if (const auto* proxy = exchange_ ? exchange_->proxy() : nullptr)
    {
        for (const auto& password : proxy->passwords)
            hide(password.view());
    }
}

// ---- the end

void call::succeed(const call_outcome& result)
{
    metadata_.model = result.model;
    metadata_.timings.total = report_.since_start();
    let_go();
    // With a whole answer that has been done.
    if (feed_)
    {
        asio::dispatch(scope_->executor(), [self = shared_from_this()] {
            if (self->exchange_)
                self->exchange_->finish();
            self->place_.reset();
        });
    }
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

void call::abort(net::scope::reason why) noexcept
{
    try
    {
        asio::dispatch(scope_->executor(),
                       [weak = weak_from_this(), why = std::move(why)]() mutable {
                           if (const auto self = weak.lock())
                               self->stop_work(std::move(why), close_reason::cancelled);
                       });
    }
    catch (...)
    {
        // Out of memory: the time limits remain.
    }
}

void call::stop(error_code code, const char* why) noexcept { abort({code, why}); }

void call::drop(const call_outcome& result) noexcept
{
    if (ended_)
        return;
    let_go();
    leave_connection(close_reason::cancelled);
    end(nullptr, result, true);
}

void call::let_go() noexcept
{
    if (feed_)
        report_.count_received(feed_->let_go());
}

void call::leave_connection(close_reason why) noexcept
{
    try
    {
        asio::dispatch(scope_->executor(),
                       [self = shared_from_this(), why] { self->stop_work(cancelled(), why); });
    }
    catch (...)
    {
        // Out of memory: the connection goes with the call.
    }
}

// A running coroutine gives its connection up itself when it unwinds.
void call::stop_work(net::scope::reason reason, close_reason why)
{
    scope_->abort(std::move(reason));
    if (performing_)
        return;
    if (exchange_)
        exchange_->discard(why);
    place_.reset();
}

void call::end(const error_info* failure, const call_outcome& result, bool dropped) noexcept
{
    if (ended_.exchange(true))
        return;
    client_->leave(*this);
    if (failure != nullptr)
        ++client_->calls_failed;
    report_.ended(failure, result, dropped, metadata_.status, [this](std::string& text) {
        for_each_secret([&](std::string_view secret) { text = core::redact_key(text, secret); });
    });
}

}  // namespace regolo::inline v0::detail
