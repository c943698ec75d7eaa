#pragma once

#include "faults/exchange_kinds.hpp"
#include "faults/peer.hpp"

#include <regolo.hpp>
#include <regolo/testing/manual_clock.hpp>

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

namespace regolo::test {

namespace asio = boost::asio;

/** Of so many faults that are possible one is tried. The environment variable REGOLO_FAULT_STRIDE says it: 1 for all of them,
    which scripts/faults.sh does; more by default, so that a test run does not take minutes. */
std::size_t fault_stride();

/// What came of an exchange.
struct outcome
{
    bool is_done = false;
    std::string text;
    std::optional<error_info> failure;
    std::exception_ptr other;  // neither an answer nor an error of the library

    void note(std::exception_ptr failure, std::string result);
};

/// A client and its peer, turned by hand: one handler of the client, then all that the peer has to do.
class stage
{
public:
    explicit stage(transport how);
    ~stage();
    stage(const stage&) = delete;
    stage& operator=(const stage&) = delete;

    [[nodiscard]] client_config config() const;
    /// A client with that configuration on this stage's clock.
    void open(const client_config& with);

    /// How the client runs one handler, if there is one; `io.poll_one()` as long as nobody says otherwise.
    std::function<std::size_t()> poll_client = [this] { return io.poll_one(); };

    /// @returns false when nobody has anything to do
    bool turn();
    /// Handlers that the client has run.
    [[nodiscard]] std::size_t handlers() const { return handlers_; }

    /** Turns until the condition holds. Time passes only when nobody has anything else to do.
        @returns false when nothing will ever happen */
    template <class Condition>
    bool run_until(Condition holds)
    {
        while (!holds())
        {
            if (!go_on())
                return false;
        }
        return true;
    }

    /// Starts an exchange of that kind; `into` must outlive it.
    void start(const exchange_kind& kind, outcome& into, std::stop_token stop = {});
    /// The whole exchange.
    outcome run(const exchange_kind& kind);

    /// Nothing is going on any more, in the client or between it and its peer. May let time pass.
    bool settle();

    /// Lets time pass.
    void pass(std::chrono::nanoseconds time);
    /// The time on the clock.
    [[nodiscard]] std::chrono::nanoseconds elapsed() const { return elapsed_; }

    asio::io_context io{1};
    asio::io_context peer_io{1};
    std::optional<peer> server;
    std::optional<client> user;

private:
    bool go_on();

    const transport how_;
    testing::manual_clock clock_;
    std::chrono::nanoseconds elapsed_{0};
    std::size_t handlers_ = 0;
};

}  // namespace regolo::test
