#pragma once

#include "clients/report.hpp"

#include <regolo/client_config.hpp>

#include <cstddef>
#include <exception>
#include <string>

namespace regolo::bench {

/// For so many requests at a time.
inline client_config config_for(const job& what, std::size_t connections)
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

}  // namespace regolo::bench
