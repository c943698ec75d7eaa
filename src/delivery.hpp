#pragma once

#include "net/io_handler.hpp"

#include <regolo/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <exception>
#include <memory>

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
    using handler = net::io_handler<void(std::exception_ptr)>;

    /// Asks for all the memory that is needed, before there is a handler that would be lost with it.
    /// @param client  the executor that the strand is made of
    explicit delivery(boost::asio::any_io_executor client);
    delivery(delivery&& other) noexcept;
    delivery& operator=(delivery&&) = delete;
    ~delivery();

    /// The caller's handler. Once.
    void take(handler done) noexcept;
    /// That of the handler as it is kept: a large one takes the slot of the one put into it for itself, so that what was
    /// assigned there before is lost.
    [[nodiscard]] boost::asio::cancellation_slot get_cancellation_slot() const noexcept;

    void operator()(std::exception_ptr failure);

private:
    struct state;

    std::unique_ptr<state> state_;  // null: it has been called, or moved away
};

}  // namespace regolo::inline v0::detail
