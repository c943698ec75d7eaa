#include "net/one_shot.hpp"

#include "net/out_of_memory.hpp"
#include "net/take_handler.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>

#include <list>
#include <mutex>
#include <new>
#include <vector>

namespace regolo::net {

/** Those who wait on an execution context.

    A waiting coroutine is kept alive by its own handler, which lies in its own frame: without this list nobody could
    destroy it when the context goes. It happens here, before the context refuses posts: a refused post destroys the
    coroutine under whatever lock its reporter holds.
*/
class one_shot::waiting_room final : public asio::execution_context::service
{
public:
    using key_type = waiting_room;
    inline static asio::execution_context::id id;

    /// Shared with those who wait, who may be left after the context.
    struct registry
    {
        std::mutex mutex;
        std::list<std::weak_ptr<state>> waiting;
        bool closed = false;
    };
    using place = std::list<std::weak_ptr<state>>::iterator;

    explicit waiting_room(asio::execution_context& owner) : service(owner) {}

    std::shared_ptr<registry> list = std::make_shared<registry>();

private:
    void shutdown() override;
};

class one_shot::state : public std::enable_shared_from_this<state>
{
public:
    /// @throws std::bad_alloc  and `done` is where it was
    void start(const asio::any_io_executor& executor, handler& done)
    {
        // The slot is that of the handler as it is kept: `any_completion_handler` takes that of the one inside for itself.
        auto slot = asio::get_associated_cancellation_slot(done);
        if (slot.is_connected())
        {
            slot.assign([weak = weak_from_this()](asio::cancellation_type) {
                if (const auto self = weak.lock())
                    self->complete(asio::error::operation_aborted);
            });
        }
        // What may run out of memory comes before anything is changed.
        auto& context = asio::query(executor, asio::execution::context);
        auto room = asio::use_service<waiting_room>(context).list;
        std::list<std::weak_ptr<state>> place(1, weak_from_this());
        // Tracked: the waiting coroutine alone would not keep its execution context running.
        auto tracked = asio::any_io_executor(
            asio::prefer(executor, asio::execution::outstanding_work.tracked));
        std::unique_lock lock(mutex_);
        executor_ = std::move(tracked);
        handler_.swap(done);
        if (reported_)
            return resume(std::move(lock));
        room_ = std::move(room);
        const std::lock_guard inner(room_->mutex);
        place_ = place.begin();
        room_->waiting.splice(room_->waiting.end(), place);
    }

    void complete(error_code ec)
    {
        std::unique_lock lock(mutex_);
        if (std::exchange(reported_, true))
            return;
        outcome_ = ec;
        if (handler_)
            resume(std::move(lock));
    }

    /// The context goes: what is to be destroyed.
    handler abandon()
    {
        const std::lock_guard lock(mutex_);
        reported_ = true;
        executor_ = asio::any_io_executor();
        return take_handler(handler_);
    }

    ~state() { leave(); }

private:
    void leave() noexcept
    {
        if (!room_)
            return;
        const std::lock_guard lock(room_->mutex);
        if (!room_->closed)
            room_->waiting.erase(place_);
    }

    void resume(std::unique_lock<std::mutex> lock)
    {
        leave();
        room_.reset();
        const auto executor = std::exchange(executor_, asio::any_io_executor());
        auto done = take_handler(handler_);
        lock.unlock();
        asio::post(executor,
                   [done = std::move(done), ec = outcome_]() mutable { std::move(done)(ec); });
    }

    std::mutex mutex_;
    handler handler_;
    asio::any_io_executor executor_;  // where the coroutine resumes
    std::shared_ptr<waiting_room::registry> room_;
    waiting_room::place place_;
    error_code outcome_;
    bool reported_ = false;
};

void one_shot::waiting_room::shutdown()
{
    std::list<std::weak_ptr<state>> waiting;
    {
        const std::lock_guard lock(list->mutex);
        list->closed = true;
        waiting.swap(list->waiting);
    }
    // All are taken before the first is destroyed, which may report to others.
    std::vector<handler> abandoned;
    for (const auto& weak : waiting)
    {
        if (const auto each = weak.lock())
            abandoned.push_back(each->abandon());
    }
}

one_shot::one_shot() : state_(std::make_shared<state>()) {}

one_shot::~one_shot() = default;

void one_shot::complete(error_code ec)
{
    const auto self = state_;  // the coroutine may go on, and end, before this call returns
    self->complete(ec);
}

void one_shot::start(const asio::any_io_executor& executor, handler done)
{
    const auto self = state_;
    try
    {
        self->start(executor, done);
    }
    catch (const std::bad_alloc&)
    {
        if (!done)
            throw;
        asio::post(executor,
                   [done = take_handler(done)]() mutable { std::move(done)(out_of_memory()); });
    }
}

}  // namespace regolo::net
