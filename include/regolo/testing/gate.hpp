#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace regolo::inline v0::testing {

/** A latch that joins a test and a script without a sleep.

    A script waits for it (`script::pause(gate)`) or opens it (`script::open(gate)`); the test opens it or waits for it.
    Once open it stays open. Copies are handles on the same latch; every member may be called from any thread.
*/
class gate
{
public:
    gate();

    void open();

    [[nodiscard]] bool is_open() const;

    /// Blocks the calling thread until the gate is open; false when `timeout` has passed first.
    [[nodiscard]] bool wait(std::chrono::milliseconds timeout = std::chrono::seconds(10)) const;

    /** Calls `action` once, when the gate opens, on the thread that opens it.

        @returns false, without keeping the action, if the gate is open already
    */
    bool when_open(const void* owner, std::function<void()> action);

    /// Drops the action of `owner`; afterwards it will not be called and is not being called.
    void forget(const void* owner);

private:
    struct state;
    std::shared_ptr<state> state_;
};

}  // namespace regolo::inline v0::testing
