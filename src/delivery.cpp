#include "delivery.hpp"

#include "net/dispatch.hpp"

#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>

#include <utility>

namespace regolo::inline v0::detail {

namespace asio = boost::asio;

bool share_context(const asio::any_io_executor& a, const asio::any_io_executor& b)
{
    return &asio::query(a, asio::execution::context) == &asio::query(b, asio::execution::context);
}

error_info context_gone()
{
    error_info info;
    info.code = errc::context_stopped;
    info.message = "the client's execution context was destroyed while the call was running";
    return info;
}

struct delivery::state
{
    handler done;
    asio::any_io_executor caller;
    asio::any_io_executor client;
    bool same_context = false;
};

delivery::delivery(asio::any_io_executor client) : state_(std::make_unique<state>())
{
    state_->client = std::move(client);
}

delivery::delivery(delivery&& other) noexcept = default;

delivery::~delivery()
{
    if (state_ && state_->done && !state_->same_context)
        (*this)(std::make_exception_ptr(error(context_gone())));
}

void delivery::take(handler done) noexcept
{
    const auto caller = done.get_executor();
    state_->done = std::move(done);
    state_->same_context = share_context(caller, state_->client);
    state_->caller = asio::prefer(caller, asio::execution::outstanding_work.tracked);
}

asio::cancellation_slot delivery::get_cancellation_slot() const noexcept
{
    return state_->done.get_cancellation_slot();
}

void delivery::operator()(std::exception_ptr failure)
{
    const auto last = std::move(state_);
    const auto caller = std::move(last->caller);
    net::dispatch(caller, [done = std::move(last->done), failure = std::move(failure)]() mutable {
        done(std::move(failure));
    });
}

}  // namespace regolo::inline v0::detail
