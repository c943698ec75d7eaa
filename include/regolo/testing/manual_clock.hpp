#pragma once

#include <regolo/client.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <memory>
#include <optional>

namespace regolo::inline v0::testing {

/** A clock that a test moves by hand, for clients whose time limits, retries and pauses are not to take their time.

    @code
    regolo::testing::manual_clock clock;
    auto client = regolo::testing::make_client(io.get_executor(), config, clock);
    auto answer = boost::asio::co_spawn(io, client.chat(question), boost::asio::use_future);
    while (!clock.next()) io.run_one();     // until something waits for a time to come
    clock.advance(std::chrono::seconds(30));
    @endcode

    It stands still until `advance`. Deadlines of `call_options` are on it, too. Copies are handles on the same clock.

    @par Thread safety  every member from any thread
*/
class REGOLO_EXPORT manual_clock
{
public:
    manual_clock();

    [[nodiscard]] std::chrono::steady_clock::time_point now() const;

    /// Goes on, and wakes on the way whoever waits for a time that comes.
    void advance(std::chrono::nanoseconds by) const;

    /// How long until the next time that a client has asked for; nothing when none has. A client looks at its clock at
    /// least every 10 ms while limits come and go, so this may be a little earlier than the limit that is meant.
    [[nodiscard]] std::optional<std::chrono::nanoseconds> next() const;

private:
    struct state;
    std::shared_ptr<state> state_;

    friend REGOLO_EXPORT client make_client(boost::asio::any_io_executor executor,
                                            client_config config, const manual_clock& clock);
};

/// A client on that clock. In all else it is a real one.
[[nodiscard]] REGOLO_EXPORT client make_client(boost::asio::any_io_executor executor,
                                               client_config config, const manual_clock& clock);

}  // namespace regolo::inline v0::testing
