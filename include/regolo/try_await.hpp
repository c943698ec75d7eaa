#pragma once

#include <regolo/error.hpp>

#include <boost/asio/awaitable.hpp>

#include <exception>
#include <type_traits>
#include <utility>

namespace regolo::inline v0 {

namespace detail {

/// The information of an exception of this library or of Asio; rethrows any other.
[[nodiscard]] REGOLO_EXPORT error_info to_error_info(std::exception_ptr failure);

}  // namespace detail

/** Turns the exception of an operation into a value.

    @code
    auto answer = co_await regolo::try_await(client.chat(request));
    if (!answer) log(answer.error().message);
    @endcode

    Converts `regolo::error` and `boost::system::system_error`; anything else, such as `std::bad_alloc`,
    passes through. After a cancellation of the awaiting coroutine itself, its next `co_await`
    throws all the same: that is Asio's rule.
*/
template <class T>
[[nodiscard]] boost::asio::awaitable<result<T>> try_await(boost::asio::awaitable<T> operation)
{
    std::exception_ptr failure;
    try
    {
        if constexpr (std::is_void_v<T>)
        {
            co_await std::move(operation);
            co_return result<T>();
        }
        else
        {
            co_return result<T>(co_await std::move(operation));
        }
    }
    catch (...)
    {
        failure = std::current_exception();
    }
    co_return result<T>(detail::to_error_info(std::move(failure)));
}

}  // namespace regolo::inline v0
