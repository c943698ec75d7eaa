#pragma once

#include "net/take_handler.hpp"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>

#include <utility>

namespace regolo::net {

namespace asio = boost::asio;

template <class Signature>
class io_handler;

/** A completion handler of any type, with the executor that it runs on.

    `any_completion_handler` alone hides that executor behind another one. Asio then asks for memory several times for
    each operation, without looking whether it gets any (Boost 1.81).
*/
template <class... Results>
class io_handler<void(Results...)>
{
public:
    using executor_type = asio::any_io_executor;
    using cancellation_slot_type = asio::cancellation_slot;

    io_handler() = default;

    template <class Handler>
    io_handler(Handler handler)  // NOLINT(*-explicit-*): as std::function takes what can be called
        : executor_(asio::get_associated_executor(handler)), handler_(std::move(handler))
    {}

    io_handler(io_handler&& other) noexcept
        : executor_(std::move(other.executor_)), handler_(take_handler(other.handler_))
    {}

    io_handler& operator=(io_handler&& other) noexcept
    {
        executor_.swap(other.executor_);
        handler_.swap(other.handler_);
        return *this;
    }

    [[nodiscard]] executor_type get_executor() const noexcept { return executor_; }

    [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept
    {
        return asio::get_associated_cancellation_slot(handler_);
    }

    explicit operator bool() const noexcept { return static_cast<bool>(handler_); }

    void operator()(Results... results) { std::move(handler_)(std::move(results)...); }

private:
    asio::any_io_executor executor_;
    asio::any_completion_handler<void(Results...)> handler_;
};

}  // namespace regolo::net
