#include "net/exchange.hpp"

#include "core/pool_policy.hpp"
#include "net/out_of_memory.hpp"
#include "net/stream_ops.hpp"
#include "net/tls_context.hpp"
#include "net/tls_failure.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>

namespace regolo::net {

namespace {

// Head and body go out in one write, and one TLS record, where together they are no larger.
constexpr std::size_t most_joined = std::size_t{16} * 1024;

// A server judges the client's certificate, or that there is none, as soon as it has the end of the handshake.
constexpr std::chrono::seconds certificate_window{5};
/// Bytes of memory that a server may have set aside by announcing a body. A longer one gets more as it comes.
constexpr std::uint64_t most_set_aside = std::uint64_t{16} * 1024 * 1024;

scope::duration value(const std::optional<time_limits::duration>& limit)
{
    return limit.value_or(time_limits::duration::zero());
}

error make_error(error_code code, phase where, std::string message)
{
    error_info info;
    info.code = code;
    info.where = where;
    info.message = std::move(message);
    return error(std::move(info));
}

}  // namespace

exchange::exchange(std::shared_ptr<const world> shared, std::shared_ptr<scope> owner,
                   const core::resolved_limits& limits, exchange_listener& listener)
    : world_(std::move(shared)), scope_(std::move(owner)), limits_(limits), listener_(listener)
{}

asio::awaitable<void> exchange::open(const core::http_request& request, outgoing_body body,
                                     std::shared_ptr<const core::secret> key, core::origin where,
                                     bool fresh)
{
    origin_ = std::move(where);
    proxy_ = world_->proxies->find(origin_);
    const std::string_view bytes = body.bytes ? *body.bytes : std::string_view();
    // In one record with the head, where it fits.
    const bool may_be_small = !body.open && bytes.size() <= most_joined;
    // Refuses bad headers before anything touches the network.
    core::secret head =
        core::encode_head(request, origin_, key ? key->view() : std::string_view(),
                          origin_.tls ? nullptr : proxy_, may_be_small ? bytes.size() : 0)
            .value();

    where_ = phase::queue;
    scope_->check();
    lease_ = world_->pool->try_acquire(origin_, fresh);
    if (!lease_.has_place())
    {
        const auto began = now();
        const scope::phase_limit limit(*scope_, errc::queue_timeout, value(limits_.queue));
        timings_.queue = scope::duration::zero();
        listener_.on_queued();
        lease_ = co_await world_->pool->acquire(scope_, origin_, fresh);
        timings_.queue = now() - began;
    }
    reused_ = has_connection();
    if (!reused_)
        co_await connect();

    connection& used = *lease_.get();
    scope_->hold(used.stream.get());
    scope_->check();
    ++used.exchanges;
    used.reader.start();
    listener_.on_connected(used, reused_, timings_.queue.value_or(scope::duration::zero()));
    scope_->check();  // it may have stopped the call

    where_ = phase::send;
    const auto began = now();
    if (reused_)
        acknowledged_ = used.stream->acknowledged();
    if (may_be_small && head.view().size() + bytes.size() <= most_joined)
    {
        head.append(bytes);
        std::string_view rest = head.view();
        if (!write_now(rest))
            co_await write_rest(rest);
        body_sent_ = bytes.size();
        whole_sent_ = true;
        head = core::secret();
    }
    else
    {
        co_await send_watched(std::move(head), std::move(body));
    }
    sent_at_ = now();
    timings_.send = sent_at_ - began;
    if (!early_ || !early_->refused)
        listener_.on_sent(used, body_sent_);

    where_ = phase::head;
    const scope::phase_limit limit(*scope_, errc::head_timeout, value(limits_.head));
    if (early_)
        co_await read_early();
    while (!used.reader.head_done())
    {
        const auto room = used.reader.prepare();
        error_code ec;
        const auto n = co_await read_some(*used.stream, asio::buffer(room.data, room.size), ec);
        on_head_read(used, ec, n);
        if (ec)
            throw boost::system::system_error(ec);
    }
    where_ = phase::body;
    head_at_ = now();
    timings_.head = head_at_ - sent_at_;
}

/// Waits for the answer that `send_watched` reads.
asio::awaitable<void> exchange::read_early()
{
    if (early_->pending)
        co_await early_->known.wait();
    if (early_->failure)
        throw boost::system::system_error(early_->failure);
}

asio::awaitable<void> exchange::connect()
{
    const scope::phase_limit limit(*scope_, errc::connect_timeout, value(limits_.connect));
    dial_progress progress{where_, timings_};
    std::unique_ptr<byte_stream> stream;
    try
    {
        stream = co_await world_->dial->dial(scope_, origin_, proxy_, progress);
    }
    catch (const error& failure)
    {
        if (!scope_->aborted())
            world_->pool->note_connect_error(origin_, failure.code().message());
        throw;
    }
    auto fresh = std::make_shared<connection>(std::move(stream), world_->head_limit);
    fresh->id = world_->pool->next_id();
    fresh->opened = now();
    fresh->aged_at =
        core::age_limit(fresh->opened, world_->pool->options().max_age, world_->random->uniform());
    fresh->resolve_time = timings_.resolve;
    fresh->connect_time = timings_.connect;
    fresh->tls_time = timings_.tls;
    fresh->tls_resumed = progress.tls_resumed;
    fresh->demand = progress.demand;
    lease_.opened(std::move(fresh));
}

// Keeps an eye on the answer: a server that refuses a large request says so before it has all of it, and may not read the
// rest.
asio::awaitable<void> exchange::send_watched(core::secret head, outgoing_body body)
{
    scope::phase_limit progress(*scope_, errc::send_timeout, value(limits_.send));
    early_.emplace();
    watch_answer();
    std::exception_ptr failure;
    try
    {
        co_await write_all(head.view(), progress);
        if (body.open)
        {
            co_await write_source(std::move(body), progress);
        }
        else
        {
            const std::string_view bytes = body.bytes ? *body.bytes : std::string_view();
            if (!bytes.empty())
                co_await write_all(bytes, progress);
            body_sent_ = bytes.size();
            whole_sent_ = true;
        }
    }
    catch (...)
    {
        failure = std::current_exception();
    }
    early_->sending = false;
    if (scope_->resume())
        co_await asio::this_coro::reset_cancellation_state();
    if (early_->refused)
        send_failed_ = false;  // it was we who broke off
    if (!failure || early_->refused)
        co_return;
    // What the server said before it closed is still to be read.
    if (send_failed_ && early_->pending)
        co_await early_->known.wait();
    if (send_failed_ && lease_.get()->reader.head_done())
    {
        early_->refused = true;
        send_failed_ = false;
        co_return;
    }
    if (early_->failure)
    {
        sent_at_ = now();
        send_failed_ = closed_ && !whole_sent_;
        if (whole_sent_)
            where_ = phase::head;
        throw boost::system::system_error(early_->failure);
    }
    std::rethrow_exception(failure);
}

asio::awaitable<void> exchange::write_source(outgoing_body body, scope::phase_limit& progress)
{
    opened_source_ = true;
    const auto source = body.open();
    std::string chunk;
    for (bool more = true; more;)
    {
        scope_->disarm_phase();  // a slow source is not the server's fault
        auto piece = co_await source->read();
        progress.restart();
        more = !piece.empty();
        body_sent_ += piece.size();
        if (!body.size)
            piece = core::encode_chunk(piece, chunk);
        if (!piece.empty())
            co_await write_all(piece, progress);
        whole_sent_ = !more || (body.size && body_sent_ >= *body.size);
    }
}

void exchange::watch_answer()
{
    const auto room = lease_.get()->reader.prepare();
    lease_.get()->stream->async_read_some(
        asio::buffer(room.data, room.size),
        asio::bind_executor(scope_->executor(), [self = shared_from_this(), used = lease_.get()](
                                                    error_code ec, std::size_t n) {
            self->on_early_read(*used, ec, n);
        }));
}

void exchange::on_early_read(connection& used, error_code ec, std::size_t n)
{
    if (!early_)
        return;  // the exchange is over
    on_head_read(used, ec, n);
    if (!ec && !used.reader.head_done())
    {
        try
        {
            return watch_answer();
        }
        catch (const std::bad_alloc&)
        {
            ec = out_of_memory();
        }
    }
    early_->pending = false;
    early_->failure = ec;
    early_->refused = !ec && early_->sending && used.reader.head().status >= 300;
    if (early_->sending && (ec || early_->refused))
        scope_->interrupt();
    early_->known.complete({});
}

void exchange::on_head_read(connection& used, error_code& ec, std::size_t n)
{
    if (ec)
        note_failure(used, ec);
    else
        used.reader.commit(n, ec);
    // What is wrong behind a complete head is the body's fault, and told when the body is read.
    if (ec && used.reader.head_done())
        broken_body_ = std::exchange(ec, {});
}

/// Also sends what the connection has taken before and not sent yet, which is all there is to do for no bytes.
asio::awaitable<void> exchange::write_all(std::string_view bytes, scope::phase_limit& progress)
{
    do
    {
        error_code ec;
        sent_ = true;  // whether it arrives is not for us to know
        const auto n = co_await write_some(*lease_.get()->stream,
                                           asio::buffer(bytes.data(), bytes.size()), ec);
        check_written(ec);
        bytes.remove_prefix(n);
        progress.restart();
    } while (!bytes.empty());
}

/// What `write_now` has left.
asio::awaitable<void> exchange::write_rest(std::string_view bytes)
{
    scope::phase_limit progress(*scope_, errc::send_timeout, value(limits_.send));
    co_await write_all(bytes, progress);
}

/// Writes as much as goes without waiting, nearly always all of it.
/// @returns  false where there is something left to do
bool exchange::write_now(std::string_view& bytes)
{
    error_code ec;
    sent_ = true;
    bytes.remove_prefix(
        lease_.get()->stream->try_write(asio::buffer(bytes.data(), bytes.size()), ec));
    if (ec == asio::error::would_block || ec == asio::error::try_again)
        return false;
    check_written(ec);
    return true;
}

void exchange::check_written(error_code ec)
{
    if (!ec)
        return;
    send_failed_ = !is_out_of_memory(ec);  // the connection did
    throw boost::system::system_error(ec);
}

asio::mutable_buffer exchange::prepare_read(error_code& broken)
{
    broken = broken_body_;
    try
    {
        const auto room = lease_.get()->reader.prepare();
        return asio::buffer(room.data, room.size);
    }
    catch (const std::bad_alloc&)
    {
        broken = out_of_memory();
        return {};
    }
}

void exchange::on_read(connection& used, error_code& ec, std::size_t n)
{
    if (!ec)
        return used.reader.commit(n, ec);
    note_failure(used, ec);
    if (!closed_)
        return;
    error_code incomplete;
    used.reader.commit_eof(incomplete);
    // A body that only the connection's end delimits is whole if that end is one that nobody can forge.
    if (!incomplete && ec == asio::error::eof)
        ec = {};
}

bool exchange::take_body(std::string& body, std::size_t limit, const char* limit_name)
{
    if (body.empty())
    {
        const auto announced = lease_.get()->reader.content_length().value_or(0);
        body.reserve(std::min({announced, std::uint64_t{limit}, most_set_aside}));
    }
    for (const auto piece : pieces())
    {
        if (piece.size() > limit - body.size())
        {
            if (limit_name == nullptr)
            {
                body.append(piece.substr(0, limit - body.size()));
                return true;
            }
            throw make_error(errc::too_large, phase::body,
                             "the response body is larger than " + std::to_string(limit) +
                                 " bytes (" + limit_name +
                                 "); raise that limit if this is expected");
        }
        body.append(piece);
    }
    pieces().clear();
    return body_done();
}

asio::awaitable<void> exchange::read_body(std::string& body, std::size_t limit,
                                          const char* limit_name)
{
    while (!take_body(body, limit, limit_name))
    {
        const scope::phase_limit idle(*scope_, errc::idle_timeout, value(limits_.idle));
        error_code ec;
        using token = asio::redirect_error_t<asio::use_awaitable_t<>>;
        token how(asio::use_awaitable, ec);
        co_await asio::async_initiate<token, void(error_code)>(
            [this](auto done) { async_read_body(std::move(done)); }, how);
        if (ec)
            throw boost::system::system_error(ec);
    }
}

void exchange::finish()
{
    scope_->hold(nullptr);
    if (!has_connection())
        return;
    const bool whole_request = !early_ || !early_->refused;
    early_.reset();
    if (!whole_request)
    {
        lease_.close(close_reason::unusable);  // the rest of the request is missing
    }
    else if (body_done())
    {
        lease_.give_back(lease_.get()->reader.keep_alive_timeout());
    }
    else if (lease_.get()->reader.ends_with_connection())
    {
        lease_.close(close_reason::finished);  // nothing to wait for
    }
    else
    {
        lease_.drain(scope_);
    }
    lease_.close(close_reason::unusable);  // only if neither took it
}

void exchange::discard(close_reason why) noexcept
{
    scope_->hold(nullptr);
    early_.reset();
    lease_.close(why);
}

void exchange::note_failure(connection& used, error_code ec) noexcept
{
    failed_at_ = now();
    cut_ = is_tls_truncation(ec);
    ended_ = cut_ || ec == asio::error::eof;
    has_part_ = used.stream->has_part();
    if (ended_ && acknowledged_)
        arrived_ = used.stream->acknowledged() != acknowledged_;
    closed_ = cut_ || ec == asio::error::eof || ec == asio::error::connection_reset ||
              ec == asio::error::broken_pipe || ec == asio::error::connection_aborted;
}

std::uint64_t exchange::bytes_received() const noexcept
{
    return has_connection() ? lease_.get()->reader.bytes() : 0;
}

bool exchange::is_refused_for_certificate() const noexcept
{
    // TLS 1.3 ends for the client before the server looks at its certificate, and the alert may be lost.
    if (!has_connection() || bytes_received() != 0 || !(closed_ || send_failed_))
        return false;
    const connection& used = *lease_.get();
    return used.demand != certificate_demand::none && used.exchanges == 1 &&
           failed_at_ - used.opened <= certificate_window;
}

bool exchange::is_stale(bool proven_only) const noexcept
{
    core::stale_view view;
    view.reused = reused_;
    view.incomplete = send_failed_ && !whole_sent_;
    view.closed = closed_;
    view.ended = ended_;
    view.arrived = arrived_;
    view.has_part = has_part_;
    view.answer_bytes = static_cast<std::size_t>(bytes_received());
    view.since_sent = failed_at_ - sent_at_;
    return core::is_stale(view, proven_only);
}

error_info exchange::explain(std::exception_ptr failure) const
{
    error_info info;
    try
    {
        std::rethrow_exception(std::move(failure));
    }
    catch (const error& known)
    {
        info = known.info();
    }
    catch (const boost::system::system_error& raw)
    {
        return explain(raw.code());
    }
    if (const auto* reason = scope_->aborted())
        return explain(reason->code);
    if (info.where == phase::prepare)
        info.where = where_;
    info.sent = info.sent || sent_;
    return info;
}

error_info exchange::explain(error_code ec) const
{
    error_info info;
    info.where = where_;
    info.sent = sent_;
    if (const auto* reason = scope_->aborted())
    {
        info.code = reason->code;
        info.message = reason->message;
        if (reason->code == errc::queue_timeout)
            info.message += ": " + world_->pool->describe(origin_);
        if (reason->code == errc::connect_timeout)
        {
            info.message += " to " + core::to_string(origin_) +
                            (where_ == phase::resolve ? ": the name look-up does not answer"
                             : where_ == phase::tls
                                 ? ": the TLS handshake does not come to an end; if the server "
                                   "speaks plain HTTP, write http:// in base_url"
                                 : ": the server does not answer");
            world_->pool->note_connect_error(origin_, info.message);
        }
        return info;
    }
    if (ec == asio::error::operation_aborted)
    {
        info.code = ec;
        info.message = "cancelled";
        return info;
    }
    if (is_out_of_memory(ec))
    {
        info.code = out_of_memory();
        info.message = "out of memory";
        return info;
    }
    if (is_refusal_by_alert(ec) || is_refused_for_certificate())
    {
        info.code = errc::tls_refused;
        info.message =
            "the server broke TLS off: " + ec.message() + "; " +
            advice_on_tls(ec, has_connection() ? lease_.get()->demand : certificate_demand::none);
        return info;
    }
    const bool lost = closed_ || send_failed_;
    const bool known = ec.category() == error_category() || is_tls_failure(ec);
    info.code = known  ? ec
                : lost ? make_error_code(errc::connection_lost)
                       : make_error_code(errc::bad_response);
    info.message = failure_text(ec);
    return info;
}

std::string exchange::failure_text(error_code ec) const
{
    if (ec == errc::client_closed)
        return "the client was closed";
    if (ec == errc::too_large)
    {
        return (where_ == phase::body
                    ? "trailers or chunk extensions of the response are larger than "
                    : "the response head, each field with 32 bytes more, is larger than ") +
               std::to_string(world_->head_limit) +
               " bytes (limits::head); raise that limit if this is expected";
    }
    if (is_tls_failure(ec))
        return "the server broke TLS off: " + ec.message();
    if (send_failed_)
        return "the connection broke while the request was being sent: " + ec.message();
    if (closed_)
    {
        const std::string how = cut_ ? "without a TLS close_notify" : ec.message();
        if (where_ == phase::head)
        {
            if (bytes_received() != 0)
            {
                return "the server closed the connection in the middle of the response head (" +
                       how + ")";
            }
            const bool may_want_tls = !origin_.tls && !reused_;
            return "the server closed the connection without an answer (" + how + ")" +
                   (may_want_tls ? "; if it speaks TLS on this port, write https:// in base_url"
                                 : "");
        }
        return "the server closed the connection in the middle of the response body (" + how +
               "); the answer is incomplete";
    }
    return "the response breaks HTTP: " + ec.message() + "; is base_url that of an HTTP API?";
}

}  // namespace regolo::net
