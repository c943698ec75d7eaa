#pragma once

#include "net/scope.hpp"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>

#include <exception>

namespace regolo::inline v0::detail {

/// The two executors belong to the same execution context.
bool share_context(const boost::asio::any_io_executor& a, const boost::asio::any_io_executor& b);

/// `errc::context_stopped`, for a call that was under way.
error_info context_gone();

/** The caller's end of an operation that runs on the strand of a call. Where the strand's context is destroyed before
    it has answered, the caller hears that, instead of nothing. */
class delivery
{
public:
    using handler = boost::asio::any_completion_handler<void(std::exception_ptr)>;

    delivery(handler done, const boost::asio::any_io_executor& caller,
             const boost::asio::any_io_executor& client);
    delivery(delivery&&) = default;
    delivery& operator=(delivery&&) = delete;
    ~delivery();

    void operator()(std::exception_ptr failure);

private:
    handler done_;
    boost::asio::any_io_executor caller_;
    bool same_context_;
};

}  // namespace regolo::inline v0::detail
