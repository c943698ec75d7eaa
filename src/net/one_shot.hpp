#pragma once

#include <memory>
#include <utility>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "net/world.hpp"

namespace regolo::net {

template <class Signature>
class one_shot;

/** A place where one coroutine waits for one event that something else reports.

    All members are called on the strand of the waiting coroutine, except where the owner guards them itself. The
    coroutine resumes by post, so that reporting is safe from anywhere on the strand. Cancellation ends the wait
    with `operation_aborted`.
*/
template <class... Args>
class one_shot<void(error_code, Args...)> {
public:
    using handler = asio::any_completion_handler<void(error_code, Args...)>;

    one_shot() = default;
    one_shot(const one_shot&) = delete;
    one_shot& operator=(const one_shot&) = delete;

    /// Waits. The object must live until the coroutine has resumed.
    auto wait()
    {
        return asio::async_initiate<const asio::use_awaitable_t<>&, void(error_code, Args...)>(
            [this](auto done) {
                auto slot = asio::get_associated_cancellation_slot(done);
                if (slot.is_connected()) {
                    slot.assign([this](asio::cancellation_type) { fail(asio::error::operation_aborted); });
                }
                // Tracked: the waiting coroutine alone would not keep its execution context running.
                executor_ = asio::prefer(asio::get_associated_executor(done),
                                         asio::execution::outstanding_work.tracked);
                handler_ = std::move(done);
            },
            asio::use_awaitable);
    }

    [[nodiscard]] bool waiting() const noexcept { return static_cast<bool>(handler_); }

    /// Reports the event; does nothing when nobody waits (any more).
    void complete(error_code ec, Args... values)
    {
        if (!handler_) return;
        auto done = std::exchange(handler_, handler{});
        const auto executor = std::exchange(executor_, asio::any_io_executor());
        asio::post(executor, [done = std::move(done), ec, ... v = std::move(values)]() mutable {
            std::move(done)(ec, std::move(v)...);
        });
    }

    void fail(error_code ec) { complete(ec, Args{}...); }

private:
    handler handler_;
    asio::any_io_executor executor_;   // where the coroutine resumes
};

}  // namespace regolo::net
