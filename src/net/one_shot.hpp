#pragma once

#include "net/world.hpp"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>
#include <utility>

namespace regolo::net {

/** A place where one coroutine waits for one event that something else reports, once.

    Whoever reports finds the place in a list under a lock of his own, and the coroutine takes itself off that list
    when its frame ends, so that the object is there as long as it can be found. The coroutine resumes by post on its
    own executor. Cancelling it ends the wait with `operation_aborted`; what is reported later is dropped. Where the
    execution context is destroyed meanwhile, the coroutine is destroyed with it, as it is for Asio's own operations.

    @code
    one_shot arrived;
    list.insert(arrived);                 // and a guard that removes it
    co_await arrived.wait();              // throws system_error, also out of memory
    @endcode
*/
class one_shot
{
public:
    one_shot();
    ~one_shot();
    one_shot(const one_shot&) = delete;
    one_shot& operator=(const one_shot&) = delete;

    /// Waits. Returns at once (by post) when the event has been reported before.
    auto wait()
    {
        return asio::async_initiate<const asio::use_awaitable_t<>&, void(error_code)>(
            [this](auto done) {
                const asio::any_io_executor executor = asio::get_associated_executor(done);
                start(executor, std::move(done));
            },
            asio::use_awaitable);
    }

    /// Reports the event, from any thread. Only the first report counts.
    void complete(error_code ec);

private:
    using handler = asio::any_completion_handler<void(error_code)>;
    class state;
    class waiting_room;

    void start(const asio::any_io_executor& executor, handler done);

    std::shared_ptr<state> state_;
};

}  // namespace regolo::net
