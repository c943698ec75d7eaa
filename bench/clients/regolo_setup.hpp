#pragma once

#include "clients/report.hpp"

#include <regolo/client_config.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <exception>
#include <string>
#include <utility>

namespace regolo::bench {

/// For so many requests at a time.
inline client_config config_for(const target& what, std::size_t connections)
{
    client_config config(credential("test-key"));
    config.base_url = what.base_url + "/" + what.workload + "/v1";
    config.tls.dangerously_skip_verification = true;
    config.pool.max_connections = connections;
    config.pool.max_idle = connections;
    return config;
}

inline void rethrow(const std::exception_ptr& failure)
{
    if (failure)
        std::rethrow_exception(failure);
}

/// Runs it to its end.
template <class T>
void run_to_end(boost::asio::io_context& io, boost::asio::awaitable<T> task)
{
    boost::asio::co_spawn(io, std::move(task),
                          [&](const std::exception_ptr& failure, const auto&...) {
                              rethrow(failure);
                              io.stop();  // idle connections are work, too
                          });
    io.run();
    io.restart();
}

}  // namespace regolo::bench
