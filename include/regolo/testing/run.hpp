#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace regolo::inline v0::testing {

/// What `run` and `run_on` throw when an operation is not done in time.
class watchdog_expired : public std::runtime_error
{
public:
    explicit watchdog_expired(std::chrono::milliseconds limit)
        : std::runtime_error("not done within " + std::to_string(limit.count()) + " ms")
    {}
};

/// What `run` throws when the operation is done but something it started is not.
class work_left : public std::runtime_error
{
public:
    work_left() : std::runtime_error("the operation is done, but work is left on its io_context") {}
};

namespace detail {

template <class T>
struct outcome
{
    bool is_done = false;
    std::exception_ptr error;
    std::optional<std::conditional_t<std::is_void_v<T>, std::monostate, T>> value;
};

/// The outcome is shared with the handler, which may run as late as `io` is destroyed.
template <class T>
std::shared_ptr<outcome<T>> start(boost::asio::io_context& io, boost::asio::awaitable<T> operation)
{
    auto result = std::make_shared<outcome<T>>();
    const auto note = [result](std::exception_ptr error, auto... value) {
        result->is_done = true;
        result->error = error;
        if constexpr (sizeof...(value) != 0)
            (result->value.emplace(std::move(value)), ...);
    };
    boost::asio::co_spawn(io, std::move(operation), note);
    return result;
}

}  // namespace detail

/** Runs one operation on a context that others use too, until it is done; rethrows what it throws.

    Other work on `io` goes on meanwhile and may be left. After `watchdog_expired` the operation is still pending: destroy
    `io` before what the operation refers to.
*/
template <class T>
T run_on(boost::asio::io_context& io, boost::asio::awaitable<T> operation,
         std::chrono::milliseconds timeout = std::chrono::seconds(10))
{
    const auto result = detail::start(io, std::move(operation));
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    io.restart();
    while (!result->is_done && io.run_one_until(deadline) != 0)
    {}
    if (!result->is_done)
        throw watchdog_expired(timeout);
    if (result->error)
        std::rethrow_exception(result->error);
    if constexpr (!std::is_void_v<T>)
        return std::move(*result->value);
}

/** Runs one operation on an `io_context` of its own; rethrows what it throws.

    The operation finds the context through `this_coro::executor`, so a client it makes there is gone with it. When it is
    done the context must run out of work soon, or `work_left` is thrown: nothing may linger unseen.
*/
template <class T>
T run(boost::asio::awaitable<T> operation,
      std::chrono::milliseconds timeout = std::chrono::seconds(10))
{
    boost::asio::io_context io{1};
    const auto finish = [&io] {
        io.run_for(std::chrono::seconds(2));
        if (!io.stopped())
            throw work_left();
    };
    if constexpr (std::is_void_v<T>)
    {
        run_on(io, std::move(operation), timeout);
        finish();
    }
    else
    {
        auto value = run_on(io, std::move(operation), timeout);
        finish();
        return value;
    }
}

}  // namespace regolo::inline v0::testing
