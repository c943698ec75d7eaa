#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/require.hpp>
#include <boost/asio/strand.hpp>

#include <utility>

namespace regolo::net {

namespace asio = boost::asio;

/// Whether `asio::dispatch` would call a function at once. False also where that cannot be told: where it is no executor of an
/// `io_context`, nor a strand of one.
inline bool runs_here(const asio::any_io_executor& executor) noexcept
{
    using plain = asio::io_context::executor_type;
    using tracked = decltype(asio::require(std::declval<const plain&>(),
                                           asio::execution::outstanding_work.tracked));
    const auto may_run_here = [](const auto* known) {
        return asio::query(*known, asio::execution::blocking) != asio::execution::blocking.never &&
               known->running_in_this_thread();
    };
    if (const auto* context = executor.target<tracked>())
        return may_run_here(context);
    if (const auto* strand = executor.target<asio::strand<plain>>())
        return may_run_here(strand);
    if (const auto* context = executor.target<plain>())
        return may_run_here(context);
    return false;
}

/// As `asio::dispatch`, which asks for memory also where it calls `function` at once (Boost 1.81); this does not.
template <class Function>
void dispatch(const asio::any_io_executor& executor, Function function)
{
    if (runs_here(executor))
        function();
    else
        asio::dispatch(executor, std::move(function));
}

}  // namespace regolo::net
