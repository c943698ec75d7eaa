#include "net/resolver.hpp"

#include <algorithm>
#include <list>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>

namespace regolo::net {

namespace {

using name = std::pair<std::string, std::uint16_t>;

// Look-ups that may hang at the same time; further ones wait for a thread.
constexpr std::size_t max_threads = 16;

resolver::addresses look_up(const name& what, error_code& ec)
{
    asio::io_context context(1);
    tcp::resolver blocking(context);
    const auto found = blocking.resolve(what.first, std::to_string(what.second),
                                        tcp::resolver::numeric_service, ec);
    resolver::addresses result;
    for (const auto& entry : found) {
        // The same address comes once per socket type on some systems.
        if (std::find(result.begin(), result.end(), entry.endpoint()) == result.end()) {
            result.push_back(entry.endpoint());
        }
    }
    if (!ec && result.empty()) ec = asio::error::host_not_found;
    return result;
}

/** What the look-up threads and the waiting calls share. It outlives the client while a thread hangs. */
class directory : public std::enable_shared_from_this<directory> {
public:
    explicit directory(std::chrono::milliseconds cache_for) : cache_for_(cache_for) {}

    void resolve(name what, const asio::any_io_executor& executor, resolver::handler done)
    {
        const std::lock_guard lock(mutex_);
        auto& entry = entries_[what];
        if (entry.known_until > std::chrono::steady_clock::now()) {
            return complete(make_waiter(0, executor, std::move(done)), error_code(),
                            entry.addresses);
        }
        auto slot = asio::get_associated_cancellation_slot(done);
        const auto id = ++last_id_;
        if (slot.is_connected()) {
            slot.assign([weak = weak_from_this(), what, id](asio::cancellation_type) {
                if (const auto self = weak.lock()) self->give_up(what, id);
            });
        }
        entry.waiters.push_back(make_waiter(id, executor, std::move(done)));
        if (entry.running) return;
        entry.running = true;
        queue_.push_back(what);
        start_thread();
    }

    void forget(const name& what)
    {
        const std::lock_guard lock(mutex_);
        const auto found = entries_.find(what);
        if (found == entries_.end()) return;
        found->second.known_until = {};
        if (!found->second.running) entries_.erase(found);
    }

    // The client is gone: nobody may be posted to any more.
    void abandon() noexcept
    {
        std::list<waiter> waiters;
        const std::lock_guard lock(mutex_);
        queue_.clear();
        for (auto& [what, entry] : entries_) waiters.splice(waiters.end(), entry.waiters);
        entries_.clear();
    }

private:
    struct waiter {
        std::uint64_t id = 0;
        resolver::handler done;
        asio::any_io_executor executor;   // tracked, so that the context waits for the answer
    };

    struct entry {
        std::chrono::steady_clock::time_point known_until{};
        resolver::addresses addresses;
        std::list<waiter> waiters;
        bool running = false;
    };

    static waiter make_waiter(std::uint64_t id, const asio::any_io_executor& executor,
                              resolver::handler done)
    {
        return {id, std::move(done), asio::prefer(executor, asio::execution::outstanding_work.tracked)};
    }

    static void complete(waiter who, error_code ec, resolver::addresses found)
    {
        const auto executor = std::move(who.executor);
        asio::post(executor, [done = std::move(who.done), ec, found = std::move(found)]() mutable {
            std::move(done)(ec, std::move(found));
        });
    }

    void give_up(const name& what, std::uint64_t id)
    {
        const std::lock_guard lock(mutex_);
        const auto found = entries_.find(what);
        if (found == entries_.end()) return;
        auto& waiters = found->second.waiters;
        const auto who = std::find_if(waiters.begin(), waiters.end(),
                                      [id](const waiter& w) { return w.id == id; });
        if (who == waiters.end()) return;
        waiter gone = std::move(*who);
        waiters.erase(who);
        complete(std::move(gone), asio::error::operation_aborted, {});
    }

    void start_thread()
    {
        if (threads_ >= max_threads) return;
        ++threads_;
        try {
            std::thread([self = shared_from_this()] { self->work(); }).detach();
        }
        catch (...) {
            --threads_;
            if (threads_ == 0) fail_queue();
        }
    }

    // No thread could be had at all.
    void fail_queue()
    {
        for (const auto& what : std::exchange(queue_, {})) {
            finish(what, boost::system::errc::make_error_code(
                             boost::system::errc::resource_unavailable_try_again), {});
        }
    }

    void work()
    {
        for (;;) {
            name what;
            {
                const std::lock_guard lock(mutex_);
                if (queue_.empty()) {
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

    void finish(const name& what, error_code ec, resolver::addresses found)
    {
        const auto place = entries_.find(what);
        if (place == entries_.end()) return;
        auto waiters = std::move(place->second.waiters);
        if (ec || cache_for_.count() == 0) {
            entries_.erase(place);
        }
        else {
            place->second = {std::chrono::steady_clock::now() + cache_for_, found, {}, false};
        }
        for (auto& who : waiters) complete(std::move(who), ec, found);
    }

    const std::chrono::milliseconds cache_for_;
    std::mutex mutex_;
    std::map<name, entry> entries_;
    std::list<name> queue_;            // names that no thread has taken yet
    std::size_t threads_ = 0;
    std::uint64_t last_id_ = 0;
};

class system_resolver final : public resolver {
public:
    explicit system_resolver(std::chrono::milliseconds cache_for)
        : directory_(std::make_shared<directory>(cache_for))
    {
    }
    ~system_resolver() override { directory_->abandon(); }

    void async_resolve(const std::string& host, std::uint16_t port,
                       const asio::any_io_executor& executor, handler done) override
    {
        directory_->resolve({host, port}, executor, std::move(done));
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
