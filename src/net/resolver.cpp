#include "net/resolver.hpp"

#include "core/base_url.hpp"
#include "net/one_shot.hpp"

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <list>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace regolo::net {

namespace {

using wanted_name = std::pair<std::string, std::uint16_t>;

// Look-ups that may hang at the same time; further ones wait for a thread.
constexpr std::size_t max_threads = 16;

resolver::addresses look_up(const wanted_name& what, error_code& ec)
{
    asio::io_context context(1);
    tcp::resolver blocking(context);
    const auto found = blocking.resolve(what.first, std::to_string(what.second),
                                        tcp::resolver::numeric_service, ec);
    resolver::addresses result;
    for (const auto& place : found)
    {
        // The same address comes once per socket type on some systems.
        if (std::find(result.begin(), result.end(), place.endpoint()) == result.end())
        {
            result.push_back(place.endpoint());
        }
    }
    if (!ec && result.empty())
        ec = asio::error::host_not_found;
    return result;
}

resolver::addresses loopback(std::uint16_t port)
{
    return {{asio::ip::address_v6::loopback(), port}, {asio::ip::address_v4::loopback(), port}};
}

asio::awaitable<resolver::addresses> known(resolver::addresses found) { co_return found; }

}  // namespace

/** What the look-up threads and the waiting calls share. It outlives the client while a thread hangs. */
class directory : public std::enable_shared_from_this<directory>
{
public:
    explicit directory(std::chrono::milliseconds cache_for) : cache_for_(cache_for) {}

    struct record;

    /// A call that waits for a look-up. On the list of its record while `of` is set.
    struct waiter
    {
        directory& owner;
        record* of = nullptr;
        resolver::addresses found;
        one_shot answered;

        explicit waiter(directory& names) : owner(names) {}
        ~waiter() { owner.withdraw(*this); }
    };

    asio::awaitable<resolver::addresses> resolve(wanted_name what)
    {
        const auto keep_alive = shared_from_this();
        waiter self(*this);
        if (!enter(what, self))
            co_await self.answered.wait();
        co_return std::move(self.found);
    }

    void forget(const wanted_name& what)
    {
        const std::lock_guard lock(mutex_);
        const auto found = records_.find(what);
        if (found != records_.end() && !found->second.running)
            records_.erase(found);
    }

    /// A name: known, being looked up, or both.
    struct record
    {
        std::chrono::steady_clock::time_point known_until{};
        resolver::addresses addresses;
        std::list<waiter*> waiters;
        bool running = false;
    };

private:
    /// Takes what is known, and returns true; else joins or starts a look-up.
    bool enter(const wanted_name& what, waiter& self)
    {
        const std::lock_guard lock(mutex_);
        auto& entry = records_[what];
        if (entry.known_until > std::chrono::steady_clock::now())
        {
            self.found = entry.addresses;
            return true;
        }
        self.of = &entry;
        entry.waiters.push_back(&self);
        if (!entry.running)
        {
            entry.running = true;
            queue_.push_back(what);
            start_thread();
        }
        return false;
    }

    void withdraw(waiter& gone) noexcept
    {
        const std::lock_guard lock(mutex_);
        if (gone.of != nullptr)
            gone.of->waiters.remove(&gone);
    }

    void start_thread()
    {
        if (threads_ >= max_threads)
            return;
        ++threads_;
        try
        {
            std::thread([self = shared_from_this()] { self->work(); }).detach();
        }
        catch (...)
        {
            --threads_;
            if (threads_ == 0)
                fail_queue();
        }
    }

    // No thread could be had at all.
    void fail_queue()
    {
        for (const auto& what : std::exchange(queue_, {}))
        {
            finish(what,
                   boost::system::errc::make_error_code(
                       boost::system::errc::resource_unavailable_try_again),
                   {});
        }
    }

    void work()
    {
        for (;;)
        {
            wanted_name what;
            {
                const std::lock_guard lock(mutex_);
                if (queue_.empty())
                {
                    --threads_;
                    return;
                }
                what = std::move(queue_.front());
                queue_.pop_front();
            }
            error_code ec;
            auto found = look_up(what, ec);
            const std::lock_guard lock(mutex_);
            finish(what, ec, std::move(found));
        }
    }

    void finish(const wanted_name& what, error_code ec, resolver::addresses found)
    {
        auto& entry = records_[what];
        for (auto* who : std::exchange(entry.waiters, {}))
        {
            who->of = nullptr;
            who->found = found;
            who->answered.complete(ec);
        }
        entry.running = false;
        if (ec || cache_for_.count() == 0)
        {
            records_.erase(what);
        }
        else
        {
            entry.known_until = std::chrono::steady_clock::now() + cache_for_;
            entry.addresses = std::move(found);
        }
    }

    const std::chrono::milliseconds cache_for_;
    std::mutex mutex_;
    std::map<wanted_name, record> records_;
    std::list<wanted_name> queue_;  // names that no thread has taken yet
    std::size_t threads_ = 0;
};

namespace {

class system_resolver final : public resolver
{
public:
    explicit system_resolver(std::chrono::milliseconds cache_for)
        : directory_(std::make_shared<directory>(cache_for))
    {}

    asio::awaitable<addresses> resolve(std::string host, std::uint16_t port) override
    {
        // Known without asking, also where no hosts file says so; the key may go there unencrypted.
        if (core::is_loopback_name(host))
            return known(loopback(port));
        error_code is_name;
        if (const auto address = asio::ip::make_address(host, is_name); !is_name)
            return known({{address, port}});
        return directory_->resolve({std::move(host), port});
    }

    void forget(const std::string& host, std::uint16_t port) override
    {
        directory_->forget({host, port});
    }

private:
    std::shared_ptr<directory> directory_;
};

}  // namespace

std::unique_ptr<resolver> make_system_resolver(std::chrono::milliseconds cache_for)
{
    return std::make_unique<system_resolver>(cache_for);
}

}  // namespace regolo::net
