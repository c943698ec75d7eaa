#include "run_admission.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace regolo::inline v0::detail {

namespace asio = boost::asio;

/// An attempt that waits for a place.
struct run_admission::waiter
{
    explicit waiter(run_admission& gate) : owner(gate) {}
    ~waiter()
    {
        const std::lock_guard lock(owner.mutex_);
        owner.queue_.remove(this);
        if (!granted)
            return;
        // Cancelled in the moment in which the place came.
        owner.limit_.end(held, false);
        owner.let_in_locked();
    }

    run_admission& owner;
    net::one_shot ready;
    bool granted = false;
    ticket held = 0;
};

/// An attempt whose time has not come.
struct run_admission::sleeper
{
    explicit sleeper(run_admission& gate) : owner(gate), bell(gate.timer_)
    {
        const std::lock_guard lock(owner.mutex_);
        if (owner.closed_)
            bell.woken.complete({});
        else
            owner.sleepers_.push_back(this);
    }
    ~sleeper()
    {
        const std::lock_guard lock(owner.mutex_);
        owner.sleepers_.remove(this);
    }

    run_admission& owner;
    net::alarm bell;
};

run_admission::run_admission(asio::any_io_executor executor,
                             std::shared_ptr<client_admission> outer,
                             std::shared_ptr<net::deadline_timer> timer,
                             std::shared_ptr<net::random_source> random, std::size_t max_in_flight)
    : entry(timer),
      executor_(std::move(executor)),
      outer_(std::move(outer)),
      timer_(std::move(timer)),
      random_(std::move(random)),
      limit_(max_in_flight)
{}

run_admission::~run_admission() { detach(); }

asio::awaitable<admission::ticket> run_admission::admit(std::shared_ptr<net::scope>,
                                                        time_point not_before)
{
    const auto self = shared_from_this();
    const bool again = not_before > timer_->now();
    if (again)
    {
        sleeper rest(*this);
        rest.bell.arm(not_before);
        co_await rest.bell.woken.wait();
    }
    waiter place(*this);
    {
        const std::lock_guard lock(mutex_);
        check_open();
        queue_.insert(again ? queue_.begin() : queue_.end(), &place);
        let_in_locked();
        if (place.granted)
        {
            place.granted = false;
            co_return place.held;
        }
    }
    co_await place.ready.wait();
    const std::lock_guard lock(mutex_);
    if (!place.granted)
        check_open();
    place.granted = false;
    co_return place.held;
}

void run_admission::leave(ticket held, bool refused) noexcept
{
    const std::lock_guard lock(mutex_);
    limit_.end(held, refused);
    try
    {
        let_in_locked();
    }
    catch (...)
    {
        // Out of memory: the next one to leave lets them in.
    }
}

void run_admission::pause_until(time_point when)
{
    outer_->pause_until(when);
    note_refusal(when);
}

void run_admission::note_refusal(time_point until)
{
    const auto pause_end = until + spread(*random_);
    const std::lock_guard lock(mutex_);
    paused_until_ = std::max(paused_until_, pause_end);
}

void run_admission::close() noexcept
{
    const std::lock_guard lock(mutex_);
    closed_ = true;
    for (auto* each : std::exchange(queue_, {}))
        each->ready.complete({});
    for (auto* each : std::exchange(sleepers_, {}))
        each->bell.woken.complete({});
}

bool run_admission::expired() noexcept
{
    try
    {
        asio::post(executor_, [weak = weak_from_this()] {
            if (const auto self = weak.lock())
                self->let_in();
        });
        return true;
    }
    catch (...)
    {
        return false;
    }
}

void run_admission::let_in()
{
    const std::lock_guard lock(mutex_);
    let_in_locked();
}

void run_admission::let_in_locked()
{
    if (queue_.empty())
        return;
    const auto until = paused_until();
    if (until > timer_->now())
        return arm(until);
    while (!queue_.empty() && limit_.has_room())
    {
        auto& next = *queue_.front();
        queue_.pop_front();
        next.granted = true;
        next.held = limit_.begin();
        next.ready.complete({});
    }
}

admission::time_point run_admission::paused_until() const
{
    return std::max(paused_until_, outer_->paused_until());
}

void run_admission::check_open() const
{
    if (!closed_)
        return;
    error_info info;
    info.code = errc::not_started;
    info.message = "not sent, since the run it belongs to had ended";
    throw error(std::move(info));
}

}  // namespace regolo::inline v0::detail
