#include "net/world.hpp"

#include <boost/asio/steady_timer.hpp>

#include <mutex>
#include <random>

namespace regolo::net {

namespace {

class system_clock final : public clock
{
public:
    explicit system_clock(const asio::any_io_executor& executor) : timer_(executor) {}

    time_point now() const noexcept override { return std::chrono::steady_clock::now(); }

    std::chrono::system_clock::time_point wall() const noexcept override
    {
        return std::chrono::system_clock::now();
    }

    void wake_at(time_point when, std::weak_ptr<sleeper> whom) override
    {
        timer_.expires_at(when);
        timer_.async_wait([whom = std::move(whom)](error_code ec) {
            if (ec)
                return;
            if (const auto one = whom.lock())
                one->woken();
        });
    }

    void cancel() noexcept override
    {
        // The destructor of the timer cancels as well; this overload alone may throw.
        try
        {
            timer_.cancel();
        }
        catch (...)
        {}
    }

private:
    asio::steady_timer timer_;
};

// Jitter and ids need no secrecy, only that two processes differ.
class seeded_source final : public random_source
{
public:
    std::uint64_t next() noexcept override
    {
        const std::lock_guard lock(mutex_);
        return engine_();
    }

private:
    static std::mt19937_64 seeded()
    {
        std::random_device device;
        std::seed_seq seed{device(), device(), device(), device(), device(), device()};
        return std::mt19937_64(seed);
    }

    std::mutex mutex_;
    std::mt19937_64 engine_ = seeded();
};

}  // namespace

std::unique_ptr<clock> make_system_clock(const asio::any_io_executor& executor)
{
    return std::make_unique<system_clock>(executor);
}

std::unique_ptr<random_source> make_random_source() { return std::make_unique<seeded_source>(); }

}  // namespace regolo::net
