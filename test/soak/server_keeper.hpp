#pragma once

#include "soak/ledger.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

namespace regolo::soak {

/** A port of 127.0.0.1 that nobody else is given as long as this lives; a server that sets SO_REUSEADDR, as acceptors do,
    can listen on it.
*/
class reserved_port
{
public:
    /// Any free one, below those that the system gives to connections.
    reserved_port();
    ~reserved_port();
    reserved_port(reserved_port&& other) noexcept;
    reserved_port& operator=(reserved_port&&) = delete;

    [[nodiscard]] std::uint16_t number() const noexcept { return number_; }

private:
    int socket_;
    std::uint16_t number_ = 0;
};

struct keeper_options
{
    keeper_options() = default;

    std::uint64_t seed = 0;
    bool faults = true;
    std::uint64_t restart_every = 0;  // see `server_plan`
    bool small_buffers = false;       // see `server_plan`
    /// One for each server; empty: free ones.
    std::vector<std::uint16_t> ports;
};

/** Servers in processes of their own: the first two plain, the others with TLS. One that dies is started again on its port
    and with its certificate authority, up to a second later.

    Forks, so it has to be made before there are threads.
*/
class server_keeper
{
public:
    server_keeper(keeper_options options, ledger& shared);
    ~server_keeper();
    server_keeper(const server_keeper&) = delete;
    server_keeper& operator=(const server_keeper&) = delete;

    [[nodiscard]] static constexpr bool is_tls(std::size_t index) noexcept
    {
        return index >= ledger::server_count / 2;
    }
    [[nodiscard]] std::uint16_t port(std::size_t index) const { return options_.ports.at(index); }
    [[nodiscard]] const std::string& ca_pem() const noexcept { return ca_pem_; }

private:
    keeper_options options_;
    std::vector<reserved_port> reserved_;  // none where the ports are given
    std::string ca_pem_;
    pid_t process_ = -1;
};

}  // namespace regolo::soak
