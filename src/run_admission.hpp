#pragma once

#include "admission.hpp"
#include "core/concurrency_limit.hpp"
#include "net/alarm.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <list>
#include <memory>
#include <mutex>

namespace regolo::inline v0::detail {

/** Stands before the attempts of a fan-out: lets as many in at once as the server has shown to take, none while it has
    asked for a pause, and none at all once it is closed. Those that come again go first. */
class run_admission final : public admission,
                            public std::enable_shared_from_this<run_admission>,
                            private net::deadline_timer::entry
{
public:
    run_admission(boost::asio::any_io_executor executor, std::shared_ptr<client_admission> outer,
                  std::shared_ptr<net::deadline_timer> timer,
                  std::shared_ptr<net::random_source> random, std::size_t max_in_flight);
    ~run_admission() override;

    boost::asio::awaitable<ticket> admit(std::shared_ptr<net::scope> call,
                                         time_point not_before) override;
    void leave(ticket held, bool refused) noexcept override;
    void pause_until(time_point when) override;
    void note_refusal(time_point until) override;

    /// Lets nobody in any more: whoever waits hears `errc::not_started`.
    void close() noexcept;

private:
    struct waiter;
    struct sleeper;

    bool expired() noexcept override;
    void let_in();
    void let_in_locked();
    [[nodiscard]] time_point paused_until() const;
    void check_open() const;

    const boost::asio::any_io_executor executor_;
    const std::shared_ptr<client_admission> outer_;
    const std::shared_ptr<net::deadline_timer> timer_;
    const std::shared_ptr<net::random_source> random_;

    mutable std::mutex mutex_;
    core::concurrency_limit limit_;
    std::list<waiter*> queue_;
    std::list<sleeper*> sleepers_;
    time_point paused_until_ = time_point::min();
    bool closed_ = false;
};

}  // namespace regolo::inline v0::detail
