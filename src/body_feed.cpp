#include "body_feed.hpp"

#include "delivery.hpp"
#include "net/dispatch.hpp"
#include "net/out_of_memory.hpp"
#include "net/saturate.hpp"

#include <boost/asio/post.hpp>

#include <new>
#include <utility>

namespace regolo::inline v0::detail {

namespace asio = boost::asio;
using boost::system::error_code;

/// Wakes a caller who waits with a limit.
class body_feed::alarm final : public net::deadline_timer::entry
{
public:
    explicit alarm(body_feed& owner) : entry(owner.scope_->shared_timer()), owner_(owner) {}
    ~alarm() { detach(); }

private:
    bool expired() noexcept override
    {
        try
        {
            asio::post(owner_.scope_->executor(), [weak = owner_.weak_from_this()] {
                if (const auto self = weak.lock())
                    self->resume(errc::wait_timeout);
            });
            return true;
        }
        catch (...)
        {
            return false;
        }
    }

    body_feed& owner_;
};

/// The handler of a read. It tells where it is destroyed instead of called.
class body_feed::pending_read
{
public:
    explicit pending_read(std::shared_ptr<body_feed> owner) : owner_(std::move(owner)) {}
    pending_read(pending_read&&) = default;
    pending_read& operator=(pending_read&&) = delete;
    ~pending_read()
    {
        if (owner_)
            owner_->abandon();
    }
    void operator()(error_code ec) { std::exchange(owner_, nullptr)->on_read(ec); }

private:
    std::shared_ptr<body_feed> owner_;
};

body_feed::body_feed(std::shared_ptr<net::scope> scope, const core::resolved_limits& limits)
    : scope_(std::move(scope)),
      first_event_limit_(limits.first_event.value_or(core::resolved_limits::duration::zero())),
      idle_limit_(limits.idle.value_or(core::resolved_limits::duration::zero()))
{}

body_feed::~body_feed() = default;

void body_feed::start(std::shared_ptr<net::exchange> exchange)
{
    exchange_ = std::move(exchange);
    source_ = exchange_->used();
    has_pieces_ = true;
}

body_feed::state body_feed::take(std::span<const std::string_view>& pieces)
{
    if (reading_.load(std::memory_order_acquire) == reading::pending || !source_)
        return state::wait;
    auto& reader = source_->reader;
    if (std::exchange(has_pieces_, false) && !reader.pieces().empty())
    {
        pieces = reader.pieces();
        return state::bytes;
    }
    if (failed_)
        return state::failed;
    return reader.done() ? state::end : state::wait;
}

std::uint64_t body_feed::let_go() noexcept
{
    const auto source = std::move(source_);
    if (!source)
        return 0;
    // A read that goes on after a wait that timed out may be adding to the count right now.
    return reading_.load(std::memory_order_acquire) == reading::pending ? bytes_before_read_
                                                                        : source->reader.bytes();
}

void body_feed::reset() noexcept
{
    exchange_.reset();
    source_.reset();
    reading_ = reading::idle;
    first_event_wait_ = {};
    has_pieces_ = false;
    failed_ = false;
}

void body_feed::wait(handler done, std::chrono::nanoseconds limit, bool first_event)
{
    reader_ = std::move(done);
    if (limit > limit.zero() && !prepare_alarm())
        return resume(net::out_of_memory());
    switch (reading_.load(std::memory_order_relaxed))
    {
        case reading::arrived:
            return resume({});
        case reading::pending:
            break;
        case reading::idle:
            if (scope_->aborted() || !exchange_->has_connection())
                return on_read(asio::error::operation_aborted);
            start_read(first_event);
            break;
    }
    if (limit > limit.zero())
        alarm_->arm(net::later(now(), limit));
}

/// @returns false when there is no memory for it
bool body_feed::prepare_alarm() noexcept
{
    try
    {
        if (!alarm_)
            alarm_ = std::make_unique<alarm>(*this);
        return true;
    }
    catch (const std::bad_alloc&)
    {
        return false;
    }
}

void body_feed::start_read(bool first_event)
{
    bytes_before_read_ = exchange_->bytes_received();
    reading_.store(reading::pending, std::memory_order_relaxed);
    has_pieces_ = true;
    waits_for_first_ = first_event;
    read_began_ = now();
    if (first_event)
    {
        scope_->arm_phase(errc::first_event_timeout, first_event_limit_, first_event_wait_);
    }
    else
    {
        scope_->arm_phase(errc::idle_timeout, idle_limit_);
    }
    exchange_->async_read_body(pending_read(shared_from_this()));
}

template <class Explain>
void body_feed::fail(Explain explain) noexcept
{
    failed_ = true;
    try
    {
        failure_ = explain();
    }
    catch (const std::bad_alloc&)
    {
        failure_.reset();
    }
}

void body_feed::on_read(error_code ec)
{
    scope_->disarm_phase();
    if (waits_for_first_)
        first_event_wait_ += now() - read_began_;
    if (ec)
        fail([&] { return exchange_->explain(ec); });
    reading_.store(reading::arrived, std::memory_order_release);
    resume({});
}

error_info body_feed::failure() const
{
    if (failure_)
        return *failure_;
    auto info = net::out_of_memory_info();
    info.where = phase::body;
    info.sent = true;
    return info;
}

// The strand's context goes, and with it the read. The caller's coroutine, which only `reader_` keeps, goes as well if
// it lives there; otherwise it hears of it.
void body_feed::abandon() noexcept
{
    if (!reader_)
        return;
    if (share_context(reader_.get_executor(), scope_->executor()))
    {
        reader_ = handler();
        return;
    }
    fail([] {
        auto info = context_gone();
        info.where = phase::body;
        return info;
    });
    reading_.store(reading::arrived, std::memory_order_release);
    resume({});
}

void body_feed::resume(error_code ec)
{
    if (alarm_)
        alarm_->disarm();
    if (!reader_)
        return;
    // What has arrived belongs to the caller from here on.
    if (!ec)
        reading_.store(reading::idle, std::memory_order_relaxed);
    const auto caller = reader_.get_executor();
    net::dispatch(caller, [done = std::move(reader_), ec]() mutable { done(ec); });
}

}  // namespace regolo::inline v0::detail
