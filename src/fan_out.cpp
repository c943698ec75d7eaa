#include "fan_out_state.hpp"
#include "net/out_of_memory.hpp"
#include "operations.hpp"
#include "turn.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <new>
#include <utility>

namespace regolo::inline v0 {

namespace asio = boost::asio;

bool ends_fan_out(const error_info& failure)
{
    if (failure.code == asio::error::operation_aborted)
        return true;
    if (failure.code.category() != error_category())
        return false;
    switch (static_cast<errc>(failure.code.value()))
    {
        case errc::no_key:
        case errc::bad_url:
        case errc::bad_config:
        case errc::plaintext_refused:
        case errc::client_closed:
        case errc::context_stopped:
        case errc::unauthorized:
        case errc::quota_exhausted:
        case errc::certificate_refused:
        case errc::tls_refused:
        case errc::deadline_exceeded:
            return true;
        default:
            return false;
    }
}

namespace detail {

namespace {

error_info provider_failed(const std::string& why)
{
    error_info info;
    info.code = errc::no_key;
    info.message = "no key: the credential's provider failed" + why;
    return info;
}

/// What a failure of a call is told as, also one that a credential's provider has thrown of its own.
error_info describe_any(std::exception_ptr failure)
{
    try
    {
        return to_error_info(std::move(failure));
    }
    catch (const std::bad_alloc&)
    {
        return net::out_of_memory_info();
    }
    catch (const std::exception& other)
    {
        return provider_failed(std::string(": ") + other.what());
    }
    catch (...)
    {
        return provider_failed("");
    }
}

}  // namespace

/// Where somebody waits; a worker that waits for room has the result with him.
template <class Request>
struct fan_out_state<Request>::place
{
    place(fan_out_state& run, places& waiting, result_type* finished = nullptr)
        : owner(run), list(waiting), item(finished)
    {}
    ~place()
    {
        const std::lock_guard lock(owner.mutex_);
        list.remove(this);
    }

    fan_out_state& owner;
    places& list;
    result_type* item;
    bool is_taken = false;  // the result
    net::one_shot ready;
};

/// Notices when a worker is destroyed with its execution context.
template <class Request>
class fan_out_state<Request>::worker_guard
{
public:
    explicit worker_guard(fan_out_state& owner) noexcept : owner_(owner) {}
    ~worker_guard() { owner_.worker_left(regular_); }
    void done() noexcept { regular_ = true; }

private:
    fan_out_state& owner_;
    bool regular_ = false;
};

template <class Request>
fan_out_state<Request>::fan_out_state(std::shared_ptr<client_state> client,
                                      request_source<Request> source, fan_out_options options,
                                      call_options each)
    : client_(std::move(client)),
      strand_(client_->make_strand()),
      gate_(std::make_shared<run_admission>(strand_, client_->gate, client_->world->timer,
                                            client_->world->random, options.max_in_flight)),
      source_(std::move(source)),
      options_(std::move(options)),
      each_(std::move(each))
{
    if (options_.max_in_flight == 0)
    {
        error_info info;
        info.code = errc::bad_config;
        info.message = "fan_out_options::max_in_flight must be at least 1";
        throw error(std::move(info));
    }
    if (!each_.max_retries && !each_.retry)
        each_.max_retries = options_.max_retries;
    if (each_.stop.stop_possible())
    {
        outer_stop_.emplace(each_.stop, [this] {
            stop();
            all_.request_stop();
        });
    }
    each_.stop = all_.get_token();
}

// ---- for the caller

template <class Request>
auto fan_out_state<Request>::next(std::shared_ptr<fan_out_state> self)
    -> awaitable<std::optional<result_type>>
{
    if (!self)
        co_return std::nullopt;
    const turn mine(self->busy_, phase::prepare,
                    "another next() of this run is waiting; a run has one caller at a time");
    if (self->client_->stopped_for(co_await asio::this_coro::executor))
        throw context_stopped_error();
    self->start();
    for (;;)
    {
        place here(*self, self->takers_);
        {
            const std::lock_guard lock(self->mutex_);
            auto found = self->take();
            if (found || self->is_over())
                co_return found;
            self->takers_.push_back(&here);
            self->store_waiting();
        }
        co_await here.ready.wait();
    }
}

template <class Request>
auto fan_out_state<Request>::take() -> std::optional<result_type>
{
    if (ready_.empty() || (ready_.begin()->first != taken_ && !gaps_))
        return std::nullopt;
    auto node = ready_.extract(ready_.begin());
    taken_ = node.key() + 1;
    store_waiting();
    return std::move(node.mapped());
}

/// Whether there is nothing to wait for. Throws what ended the run before its time.
template <class Request>
bool fan_out_state<Request>::is_over() const
{
    if (workers_ > 0)
        return false;
    if (lost_)
        throw context_stopped_error();
    if (failure_)
        std::rethrow_exception(failure_);
    return true;
}

template <class Request>
fan_out_progress fan_out_state<Request>::progress() const
{
    const std::lock_guard lock(mutex_);
    auto now = progress_;
    for (const auto& [code, count] : failures_)
    {
        auto& entry = now.failed_by_code.emplace_back();
        entry.code = code;
        entry.count = count;
    }
    std::stable_sort(now.failed_by_code.begin(), now.failed_by_code.end(),
                     [](const auto& a, const auto& b) { return a.count > b.count; });
    return now;
}

template <class Request>
void fan_out_state<Request>::stop() noexcept
{
    end(stopped_);
}

template <class Request>
void fan_out_state<Request>::cancel() noexcept
{
    end(cancelled_);
    all_.request_stop();
}

/// Sets the flag, and wakes whoever waits for something else than an answer.
template <class Request>
void fan_out_state<Request>::end(bool& flag) noexcept
{
    gate_->close();
    bool source_waits = false;
    {
        const std::lock_guard lock(mutex_);
        flag = true;
        wake_all(pullers_);
        if (cancelled_)
            wake_all(deliverers_);
        source_waits = pulling_ && !lost_;
    }
    if (!source_waits)
        return;
    try
    {
        asio::dispatch(strand_, [weak = this->weak_from_this()] {
            if (const auto self = weak.lock())
                self->pull_signal_.emit(asio::cancellation_type::terminal);
        });
    }
    catch (...)
    {
        // Out of memory: the run ends when the source gives its next request.
    }
}

// ---- workers

template <class Request>
void fan_out_state<Request>::start()
{
    {
        const std::lock_guard lock(mutex_);
        if (std::exchange(started_, true))
            return;
        ++workers_;
    }
    start_worker();
}

/// Starts the worker that has been counted.
template <class Request>
void fan_out_state<Request>::start_worker()
{
    asio::co_spawn(strand_, work(this->shared_from_this()), [](const std::exception_ptr&) {});
}

template <class Request>
auto fan_out_state<Request>::work(std::shared_ptr<fan_out_state> self) -> awaitable<void>
{
    worker_guard guard(*self);
    std::exception_ptr failure;
    try
    {
        while (auto item = co_await self->pull())
        {
            if (self->claim_worker())
                self->start_worker();
            co_await self->perform(*item);
            if (!co_await self->deliver(std::move(*item)))
                break;
        }
    }
    catch (...)
    {
        failure = std::current_exception();
    }
    if (failure)
        self->lose_result(failure);
    guard.done();
}

/// Whether there should be one more worker, which is counted then.
template <class Request>
bool fan_out_state<Request>::claim_worker()
{
    const std::lock_guard lock(mutex_);
    if (!may_pull() || workers_ >= options_.max_in_flight)
        return false;
    ++workers_;
    return true;
}

template <class Request>
void fan_out_state<Request>::worker_left(bool regular) noexcept
{
    const std::lock_guard lock(mutex_);
    lost_ = lost_ || !regular;
    if (--workers_ == 0)
        wake_all(takers_);
}

template <class Request>
auto fan_out_state<Request>::pull() -> awaitable<std::optional<result_type>>
{
    while (!claim_source())
    {
        place here(*this, pullers_);
        {
            const std::lock_guard lock(mutex_);
            if (!may_pull())
                co_return std::nullopt;
            if (!pulling_)
                continue;
            pullers_.push_back(&here);
        }
        co_await here.ready.wait();
    }
    std::optional<Request> request;
    std::exception_ptr failure;
    try
    {
        if (source_.pull)
            request = source_.pull();
        else
            request = co_await ask_source();
    }
    catch (...)
    {
        failure = std::current_exception();
    }
    co_return note_pulled(std::move(request), failure);
}

/// Whether it is this worker's turn to ask the source.
template <class Request>
bool fan_out_state<Request>::claim_source()
{
    const std::lock_guard lock(mutex_);
    return may_pull() && !std::exchange(pulling_, true);
}

template <class Request>
auto fan_out_state<Request>::ask_source() -> awaitable<std::optional<Request>>
{
    co_return co_await asio::co_spawn(
        strand_, source_.pull_async(),
        asio::bind_cancellation_slot(pull_signal_.slot(), asio::use_awaitable));
}

template <class Request>
auto fan_out_state<Request>::note_pulled(std::optional<Request> request,
                                         const std::exception_ptr& failure)
    -> std::optional<result_type>
{
    const std::lock_guard lock(mutex_);
    pulling_ = false;
    if (!request)
    {
        exhausted_ = true;
        // What the source says of being cancelled is not its own failure.
        if (failure && !failure_ && !stopped_ && !cancelled_)
            failure_ = failure;
        wake_all(pullers_);
        return std::nullopt;
    }
    if (!pullers_.empty())
        wake(pullers_, pullers_.begin());
    result_type item;
    item.index = progress_.pulled++;
    item.request = std::move(*request);
    ++progress_.running;
    return item;
}

template <class Request>
auto fan_out_state<Request>::perform(result_type& item) -> awaitable<void>
{
    using answer = typename result_type::answer_type;
    std::exception_ptr failure;
    try
    {
        item.result = co_await ask<answer>(client_, item.request, each_, gate_);
    }
    catch (...)
    {
        failure = std::current_exception();
    }
    if (failure)
        item.result = describe_any(std::move(failure));
    count(item);
    if (!item.result)
        consider_stopping(item.result.error());
}

/// Asks `stop_when`, unless nobody is there any more who could be asked.
template <class Request>
void fan_out_state<Request>::consider_stopping(const error_info& failure) noexcept
{
    {
        const std::lock_guard lock(mutex_);
        if (cancelled_ || !options_.stop_when)
            return;
    }
    try
    {
        if (options_.stop_when(failure))
            stop();
    }
    catch (...)
    {
        fail(std::current_exception());
    }
}

template <class Request>
void fan_out_state<Request>::count(const result_type& item)
{
    const std::lock_guard lock(mutex_);
    --progress_.running;
    ++progress_.done;
    if (!item.result)
    {
        ++progress_.failed;
        ++failures_[item.result.error().code];
        return;
    }
    progress_.cost += item.result->metadata.cost.value_or(0);
    if constexpr (requires { item.result->usage; })
    {
        if (!item.result->usage)
            return;
        progress_.prompt_tokens += item.result->usage->prompt_tokens.value_or(0);
        progress_.completion_tokens += item.result->usage->completion_tokens.value_or(0);
    }
}

/// Waits until there is room for the result. False: nobody takes it any more.
template <class Request>
auto fan_out_state<Request>::deliver(result_type item) -> awaitable<bool>
{
    place here(*this, deliverers_, &item);
    {
        const std::lock_guard lock(mutex_);
        if (cancelled_)
            co_return false;
        deliverers_.push_back(&here);
        store_waiting();
        if (here.is_taken)
            co_return true;
    }
    co_await here.ready.wait();
    const std::lock_guard lock(mutex_);
    co_return here.is_taken;
}

/// A worker ends and its result with it: not every key will come.
template <class Request>
void fan_out_state<Request>::lose_result(std::exception_ptr failure) noexcept
{
    {
        const std::lock_guard lock(mutex_);
        gaps_ = true;
    }
    fail(std::move(failure));
}

/// Something went wrong that is no result, such as a `stop_when` that throws.
template <class Request>
void fan_out_state<Request>::fail(std::exception_ptr failure) noexcept
{
    {
        const std::lock_guard lock(mutex_);
        if (!failure_)
            failure_ = std::move(failure);
        wake_all(takers_);  // who asks again, and makes room
    }
    stop();
}

// ---- with the lock held

template <class Request>
bool fan_out_state<Request>::may_pull() const noexcept
{
    return !exhausted_ && !stopped_ && !cancelled_;
}

/// The result that a waiting caller needs next always has room: the others may be what fills it.
template <class Request>
bool fan_out_state<Request>::has_room(std::size_t index) const noexcept
{
    if (ready_.size() < options_.max_buffered || gaps_)
        return true;
    const bool is_next = options_.order == fan_out_order::input ? index == taken_ : ready_.empty();
    return !takers_.empty() && is_next;
}

/// Takes results from the workers that wait with them, as far as there is room: in the order of input the first ones of it,
/// or they could wait behind each other for ever.
template <class Request>
void fan_out_state<Request>::store_waiting()
{
    const bool in_order = options_.order == fan_out_order::input;
    while (!deliverers_.empty())
    {
        const auto next = in_order ? std::min_element(deliverers_.begin(), deliverers_.end(),
                                                      [](const place* a, const place* b) {
                                                          return a->item->index < b->item->index;
                                                      })
                                   : deliverers_.begin();
        auto& from = **next;
        if (!has_room(from.item->index))
            return;
        ready_.emplace(in_order ? from.item->index : come_, std::move(*from.item));
        ++come_;
        from.is_taken = true;
        wake(deliverers_, next);
        if (ready_.begin()->first == taken_ || gaps_)
            wake_all(takers_);
    }
}

template <class Request>
void fan_out_state<Request>::wake(places& waiting, typename places::iterator who)
{
    auto& ready = (*who)->ready;
    waiting.erase(who);
    ready.complete({});
}

template <class Request>
void fan_out_state<Request>::wake_all(places& waiting) noexcept
{
    while (!waiting.empty())
        wake(waiting, waiting.begin());
}

template class fan_out_state<chat_request>;
template class fan_out_state<completion_request>;
template class fan_out_state<embedding_request>;
template class fan_out_state<image_request>;
template class fan_out_state<rerank_request>;
template class fan_out_state<api_request>;

}  // namespace detail

template <sendable Request>
fan_out_run<Request>::fan_out_run(std::shared_ptr<detail::client_state> client,
                                  detail::request_source<Request> source, fan_out_options options,
                                  call_options each)
    : state_(std::make_shared<detail::fan_out_state<Request>>(std::move(client), std::move(source),
                                                              std::move(options), std::move(each)))
{}

template <sendable Request>
fan_out_run<Request>::fan_out_run(fan_out_run&&) noexcept = default;

template <sendable Request>
fan_out_run<Request>& fan_out_run<Request>::operator=(fan_out_run&& other) noexcept
{
    if (this != &other)
    {
        if (state_)
            state_->cancel();
        state_ = std::move(other.state_);
    }
    return *this;
}

template <sendable Request>
fan_out_run<Request>::~fan_out_run()
{
    if (state_)
        state_->cancel();
}

template <sendable Request>
auto fan_out_run<Request>::next() & -> asio::awaitable<std::optional<result_type>>
{
    return detail::fan_out_state<Request>::next(state_);
}

template <sendable Request>
fan_out_progress fan_out_run<Request>::progress() const
{
    return state_ ? state_->progress() : fan_out_progress();
}

template <sendable Request>
void fan_out_run<Request>::stop() noexcept
{
    if (state_)
        state_->stop();
}

template class fan_out_run<chat_request>;
template class fan_out_run<completion_request>;
template class fan_out_run<embedding_request>;
template class fan_out_run<image_request>;
template class fan_out_run<rerank_request>;
template class fan_out_run<api_request>;

}  // namespace regolo::inline v0
