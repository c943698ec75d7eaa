#include "soak/server_keeper.hpp"

#include "soak/faulty_server.hpp"
#include "soak/task.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <netinet/in.h>
#include <random>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <system_error>
#include <time.h>
#include <unistd.h>
#include <utility>

namespace regolo::soak {

namespace {

bool bind_to(int socket, std::uint16_t port)
{
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_port = htons(port);
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::bind(socket, reinterpret_cast<const sockaddr*>(&place), sizeof place) == 0;
}

/// Forks a process that does `work` and dies with this one.
template <class Work>
pid_t start_process(Work work)
{
    const pid_t parent = ::getpid();
    const pid_t process = ::fork();
    if (process < 0)
        throw std::system_error(errno, std::generic_category(), "fork");
    if (process > 0)
        return process;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent)
        ::_exit(EXIT_FAILURE);
    try
    {
        work();
    }
    catch (const std::exception& error)
    {
        std::cerr << "server: " << error.what() << std::endl;
    }
    ::_exit(EXIT_FAILURE);
}

void wait_a_little(std::uint64_t chance)
{
    timespec pause{};
    pause.tv_nsec = static_cast<long>(chance % 1'000'000'000);
    ::nanosleep(&pause, nullptr);
}

[[noreturn]] void keep(std::array<server_plan, ledger::server_count> plans, ledger& shared)
{
    std::array<pid_t, ledger::server_count> processes{};
    const auto start = [&](std::size_t i) {
        processes.at(i) = start_process([&] { serve(plans.at(i), shared); });
    };
    for (std::size_t i = 0; i != processes.size(); ++i)
        start(i);
    for (std::uint64_t deaths = 0;; ++deaths)
    {
        int status = 0;
        const pid_t dead = ::waitpid(-1, &status, 0);
        for (std::size_t i = 0; i != processes.size(); ++i)
        {
            if (processes.at(i) != dead)
                continue;
            if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
                ++shared.server(i).broken;
            wait_a_little(mix(plans.at(i).seed, deaths));
            start(i);
        }
    }
}

}  // namespace

reserved_port::reserved_port() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
{
    if (socket_ < 0)
        throw std::system_error(errno, std::generic_category(), "socket");
    // A connection's own port could take the place of a server that is down, so the system is not asked for one.
    std::random_device chance;
    std::uniform_int_distribution<int> range(20000, 30000);
    do
        number_ = static_cast<std::uint16_t>(range(chance));
    while (!bind_to(socket_, number_));
    // Only now: another reservation finds the port taken, a server does not.
    const int yes = 1;
    ::setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
}

reserved_port::~reserved_port()
{
    if (socket_ >= 0)
        ::close(socket_);
}

reserved_port::reserved_port(reserved_port&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)), number_(other.number_)
{}

server_keeper::server_keeper(keeper_options options, ledger& shared) : options_(std::move(options))
{
    if (options_.ports.empty())
    {
        reserved_.resize(ledger::server_count);
        for (const reserved_port& each : reserved_)
            options_.ports.push_back(each.number());
    }
    if (options_.ports.size() != ledger::server_count)
        throw std::invalid_argument("there have to be as many ports as servers");
    std::shared_ptr<const testing::certificate_authority> authority;
    {
        const testing::test_server first(testing::server_options::https());
        authority = first.authority();
        ca_pem_ = first.ca_pem();
    }
    std::array<server_plan, ledger::server_count> plans;
    for (std::size_t i = 0; i != plans.size(); ++i)
    {
        plans.at(i).index = i;
        plans.at(i).port = port(i);
        plans.at(i).tls = is_tls(i);
        plans.at(i).authority = authority;
        plans.at(i).seed = options_.seed;
        plans.at(i).faults = options_.faults;
        plans.at(i).restart_every = options_.restart_every;
        plans.at(i).small_buffers = options_.small_buffers;
    }
    process_ = start_process([&] { keep(plans, shared); });
}

server_keeper::~server_keeper()
{
    // Its servers die with it.
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
}

}  // namespace regolo::soak
