#include "net/connector.hpp"

#include "net/one_shot.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace regolo::net {

std::vector<tcp::endpoint> interleave(std::vector<tcp::endpoint> addresses)
{
    std::vector<tcp::endpoint> first;
    std::vector<tcp::endpoint> second;
    for (auto& address : addresses)
    {
        const bool same = address.protocol() == addresses.front().protocol();
        (same ? first : second).push_back(std::move(address));
    }
    std::vector<tcp::endpoint> mixed;
    for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i)
    {
        if (i < first.size())
            mixed.push_back(first[i]);
        if (i < second.size())
            mixed.push_back(second[i]);
    }
    return mixed;
}

/// The attempts of one connection. Everything runs on the strand; the handlers under way keep it alive.
class connection_race final : public std::enable_shared_from_this<connection_race>,
                              public deadline_timer::entry
{
public:
    connection_race(std::shared_ptr<scope> owner, asio::any_io_executor sockets_on,
                    std::vector<tcp::endpoint> addresses, std::chrono::milliseconds delay)
        : entry(owner->shared_timer()),
          owner_(std::move(owner)),
          sockets_on_(std::move(sockets_on)),
          addresses_(interleave(std::move(addresses))),
          delay_(delay)
    {
        sockets_.reserve(addresses_.size());  // what moves them about may not fail later
    }
    ~connection_race() { detach(); }

    void start() { try_next(); }

    /// Cancels what is under way. The awaiting coroutine calls it when it is cancelled itself.
    void stop() noexcept
    {
        over_ = true;
        disarm();
        error_code ignored;
        for (auto& socket : sockets_)
            socket.close(ignored);
    }

    one_shot decided;
    std::optional<tcp::socket> winner;

private:
    void try_next()
    {
        if (over_ || next_ == addresses_.size())
            return;
        const auto index = next_++;
        sockets_.emplace_back(sockets_on_);
        ++running_;
        sockets_[index].async_connect(
            addresses_[index], asio::bind_executor(owner_->executor(), [self = shared_from_this(),
                                                                        index](error_code ec) {
                self->finished(index, ec);
            }));
        if (next_ < addresses_.size())
            arm(owner_->timer().now() + delay_);
    }

    void finished(std::size_t index, error_code ec)
    {
        --running_;
        if (over_)
            return;
        if (!ec)
        {
            winner = std::move(sockets_[index]);
            stop();
            return decided.complete(error_code());
        }
        if (!first_failure_)
            first_failure_ = ec;
        error_code ignored;
        sockets_[index].close(ignored);
        if (next_ < addresses_.size())
            return try_next();
        if (running_ == 0)
            decided.complete(first_failure_);
    }

    bool expired() noexcept override
    {
        try
        {
            asio::post(owner_->executor(), [weak = weak_from_this()] {
                if (const auto self = weak.lock())
                    self->try_next();
            });
            return true;
        }
        catch (...)
        {
            return false;
        }
    }

    std::shared_ptr<scope> owner_;
    asio::any_io_executor sockets_on_;
    std::vector<tcp::endpoint> addresses_;
    std::chrono::milliseconds delay_;
    std::vector<tcp::socket> sockets_;  // one per address tried, in that order
    std::size_t next_ = 0;              // the address to try next
    std::size_t running_ = 0;
    error_code first_failure_;
    bool over_ = false;
};

/// Ends a race with the coroutine that waits for it.
struct race_guard
{
    std::shared_ptr<connection_race> race;
    ~race_guard() { race->stop(); }
};

asio::awaitable<tcp::socket> connect_any(std::shared_ptr<scope> owner,
                                         asio::any_io_executor sockets_on,
                                         std::vector<tcp::endpoint> addresses,
                                         std::chrono::milliseconds delay)
{
    const auto race = std::make_shared<connection_race>(std::move(owner), std::move(sockets_on),
                                                        std::move(addresses), delay);
    const race_guard at_the_end{race};
    race->start();
    co_await race->decided.wait();
    co_return std::move(*race->winner);
}

}  // namespace regolo::net
