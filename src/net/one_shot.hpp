#pragma once

#include "net/take_handler.hpp"
#include "net/world.hpp"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <mutex>
#include <utility>

namespace regolo::net {

/** A place where one coroutine waits for one event that something else reports, once.

    Whoever reports finds the place in a list under a lock of his own, and the coroutine takes itself off that list
    when its frame ends, so that the object is there as long as it can be found. The coroutine resumes by post on its
    own executor. Cancelling it ends the wait with `operation_aborted`; what is reported later is dropped.

    @code
    one_shot arrived;
    list.insert(arrived);                 // and a guard that removes it
    co_await arrived.wait();              // throws system_error
    @endcode
*/
class one_shot
{
public:
    using handler = asio::any_completion_handler<void(error_code)>;

    one_shot() = default;
    one_shot(const one_shot&) = delete;
    one_shot& operator=(const one_shot&) = delete;

    /// Waits. Returns at once (by post) when the event has been reported before.
    auto wait()
    {
        return asio::async_initiate<const asio::use_awaitable_t<>&, void(error_code)>(
            [this](auto done) {
                auto slot = asio::get_associated_cancellation_slot(done);
                if (slot.is_connected())
                {
                    slot.assign([this](asio::cancellation_type) {
                        complete(asio::error::operation_aborted);
                    });
                }
                const asio::any_io_executor executor = asio::get_associated_executor(done);
                start(executor, std::move(done));
            },
            asio::use_awaitable);
    }

    /// Reports the event, from any thread. Only the first report counts.
    void complete(error_code ec)
    {
        const std::lock_guard lock(mutex_);
        if (std::exchange(reported_, true))
            return;
        outcome_ = ec;
        if (handler_)
            resume();
    }

private:
    void start(const asio::any_io_executor& executor, handler done)
    {
        const std::lock_guard lock(mutex_);
        // Tracked: the waiting coroutine alone would not keep its execution context running.
        executor_ = asio::prefer(executor, asio::execution::outstanding_work.tracked);
        handler_.swap(done);
        if (reported_)
            resume();
    }

    void resume()
    {
        const auto executor = std::exchange(executor_, asio::any_io_executor());
        asio::post(executor, [done = take_handler(handler_), ec = outcome_]() mutable {
            std::move(done)(ec);
        });
    }

    std::mutex mutex_;
    handler handler_;
    asio::any_io_executor executor_;  // where the coroutine resumes
    error_code outcome_;
    bool reported_ = false;
};

}  // namespace regolo::net
