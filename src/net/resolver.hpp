#pragma once

#include "net/world.hpp"

#include <chrono>
#include <memory>

namespace regolo::net {

/** The system's name look-up, with a cache.

    `getaddrinfo` can be neither cancelled nor timed out, and Asio's own resolver makes `~io_context` wait for it. So
    each look-up has a detached thread of its own, which holds nothing but a shared record: whoever gave up waiting
    has taken himself off that record. Calls for the same name share a look-up. "localhost" and names below it are the
    loopback addresses, without a look-up.

    @param cache_for  how long addresses are used again; zero: not at all
*/
std::unique_ptr<resolver> make_system_resolver(std::chrono::milliseconds cache_for);

}  // namespace regolo::net
