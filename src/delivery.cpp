#include "delivery.hpp"

#include "net/dispatch.hpp"
#include "net/take_handler.hpp"

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

delivery::delivery(handler done, const asio::any_io_executor& caller,
                   const asio::any_io_executor& client)
    : done_(std::move(done)),
      caller_(asio::prefer(caller, asio::execution::outstanding_work.tracked)),
      same_context_(share_context(caller, client))
{}

delivery::~delivery()
{
    if (done_ && !same_context_)
        (*this)(std::make_exception_ptr(error(context_gone())));
}

void delivery::operator()(std::exception_ptr failure)
{
    const auto caller = std::exchange(caller_, asio::any_io_executor());
    net::dispatch(
        caller, [done = net::take_handler(done_), failure]() mutable { std::move(done)(failure); });
}

}  // namespace regolo::inline v0::detail
