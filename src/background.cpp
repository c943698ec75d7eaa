#include "net/one_shot.hpp"
#include "net/out_of_memory.hpp"
#include "net/saturate.hpp"
#include "stream_state.hpp"

#include <regolo/background.hpp>
#include <regolo/client.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

namespace regolo::inline v0 {

namespace asio = boost::asio;

namespace detail {

namespace {

chat_response answer_of(const partial_answer<chat_chunk>& arrived)
{
    return arrived.answer.response();
}

completion_response answer_of(const partial_answer<completion_chunk>& arrived)
{
    return arrived.answer.response();
}

}  // namespace

/// A job as its background sees it.
class any_job
{
public:
    virtual ~any_job() = default;
    /// The background ends: the job waits for its reader no more.
    virtual void release() noexcept = 0;
};

/// What a job's reader and the background's thread share.
template <class Chunk>
class job_state final : public any_job
{
public:
    using answer_type = typename job_traits<Chunk>::answer;

    // ---- for the reader

    std::optional<Chunk> try_take()
    {
        // Held for a moment only, and never waited for.
        const std::unique_lock lock(mutex_, std::try_to_lock);
        return lock.owns_lock() ? take() : std::nullopt;
    }

    std::optional<Chunk> take_until(std::optional<std::chrono::steady_clock::time_point> limit)
    {
        std::unique_lock lock(mutex_);
        const auto ready = [this] { return !chunks_.empty() || ended_ != stream_end::open; };
        if (limit)
            changed_.wait_until(lock, *limit, ready);
        else
            changed_.wait(lock, ready);
        return take();
    }

    bool done() const
    {
        const std::lock_guard lock(mutex_);
        return chunks_.empty() && ended_ != stream_end::open && (!failure_ || told_);
    }

    /// Waits for a call of the one before that is running on the other thread: after this there is none.
    void on_ready(std::function<void()> post)
    {
        const std::lock_guard calling(calling_);
        // The one before may be what calls this: it is kept until it returns.
        ready_ = post ? std::make_shared<std::function<void()>>(std::move(post)) : nullptr;
        const auto call = ready_;
        if (call && is_ready())
            (*call)();
    }

    void stop() noexcept
    {
        {
            const std::lock_guard lock(mutex_);
            stopped_ = true;
        }
        stop_.request_stop();
        release();
    }

    void release() noexcept override
    {
        const std::lock_guard lock(mutex_);
        released_ = true;
        if (waiting_)
            waiting_->room.complete({});
    }

    answer_type partial() const
    {
        const std::lock_guard lock(arrived_mutex_);
        auto answer = answer_of(arrived_);
        answer.metadata = metadata();
        return answer;
    }

    regolo::metadata metadata() const
    {
        const std::lock_guard lock(mutex_);
        return metadata_;
    }

    stream_end ended_as() const
    {
        const std::lock_guard lock(mutex_);
        return ended_;
    }

    std::stop_token token() const noexcept { return stop_.get_token(); }

    /// A stop token of the caller's own stops the job as `stop()` does.
    void obey(std::stop_token outer)
    {
        if (outer.stop_possible())
            outer_.emplace(std::move(outer), [this] { stop(); });
    }

    // ---- on the background's thread

    template <class Stream>
    static asio::awaitable<void> run(std::shared_ptr<job_state> self, asio::awaitable<Stream> open)
    {
        std::exception_ptr failure;
        try
        {
            auto stream = co_await std::move(open);
            self->note(stream.metadata());
            while (auto chunk = co_await stream.next())
            {
                self->note(stream.metadata());
                co_await self->put(std::move(*chunk));
            }
            self->finish(stream.ended_as(), nullptr);
        }
        catch (...)
        {
            failure = std::current_exception();
        }
        if (failure)
            self->finish(stream_end::failed, failure);
    }

    /// The coroutine was destroyed before its end.
    void lose() noexcept
    {
        std::exception_ptr why;
        try
        {
            why = std::make_exception_ptr(error(net::out_of_memory_info()));
        }
        catch (...)
        {
            why = std::current_exception();
        }
        finish(stream_end::failed, std::move(why));
    }

private:
    std::optional<Chunk> take()
    {
        if (chunks_.empty())
        {
            if (!failure_)
                return std::nullopt;
            told_ = true;
            std::rethrow_exception(failure_);
        }
        std::optional<Chunk> first(std::move(chunks_.front()));
        chunks_.pop_front();
        if (waiting_)
            waiting_->room.complete({});
        return first;
    }

    /// A further attempt replaces it, which happens before the first chunk alone.
    void note(const regolo::metadata& told)
    {
        const std::lock_guard lock(mutex_);
        if (metadata_.attempts != told.attempts)
            metadata_ = told;
    }

    /// The background's coroutine, while the reader has enough.
    struct waiting
    {
        explicit waiting(job_state& job) : owner(job) {}
        ~waiting()
        {
            const std::lock_guard lock(owner.mutex_);
            owner.waiting_ = nullptr;
        }

        job_state& owner;
        net::one_shot room;
    };

    asio::awaitable<void> put(Chunk chunk)
    {
        for (;;)
        {
            waiting here(*this);
            {
                const std::lock_guard lock(mutex_);
                if (released_ || chunks_.size() < background::max_buffered)
                    break;
                waiting_ = &here;
            }
            co_await here.room.wait();
        }
        {
            // Not under the lock that a polling reader needs: a copy of a large chunk takes its time.
            const std::lock_guard lock(arrived_mutex_);
            arrived_.add(chunk);
        }
        announce([&] { chunks_.push_back(std::move(chunk)); });
    }

    void finish(stream_end how, std::exception_ptr failure)
    {
        announce([&] {
            ended_ = stopped_ ? stream_end::closed : how;
            if (!stopped_)
                failure_ = std::move(failure);
        });
    }

    /// Changes what the reader sees, and wakes him.
    template <class Change>
    void announce(Change change)
    {
        bool tell = false;
        {
            const std::lock_guard lock(mutex_);
            tell = chunks_.empty();
            change();
            tell = tell || ended_ != stream_end::open;
        }
        changed_.notify_all();
        if (tell)
            call_ready();
    }

    // What it throws has nowhere to go.
    void call_ready() noexcept
    {
        const std::lock_guard calling(calling_);
        if (const auto call = ready_)
            (*call)();
    }

    [[nodiscard]] bool is_ready() const
    {
        const std::lock_guard lock(mutex_);
        return !chunks_.empty() || ended_ != stream_end::open;
    }

    std::recursive_mutex calling_;  // a function may set the next one, or destroy the job
    std::shared_ptr<std::function<void()>> ready_;

    mutable std::mutex arrived_mutex_;
    partial_answer<Chunk> arrived_;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Chunk> chunks_;
    waiting* waiting_ = nullptr;
    std::stop_source stop_;
    bool stopped_ = false;
    bool released_ = false;
    stream_end ended_ = stream_end::open;
    std::exception_ptr failure_;
    bool told_ = false;  // the reader has been told it
    regolo::metadata metadata_;
    std::optional<std::stop_callback<std::function<void()>>>
        outer_;  // last: its end waits for a running callback
};

/// The end of a job's coroutine, also where that is destroyed before, as happens when memory runs out.
template <class Chunk>
class last_word
{
public:
    explicit last_word(std::shared_ptr<job_state<Chunk>> job) noexcept : job_(std::move(job)) {}
    last_word(last_word&&) noexcept = default;
    last_word& operator=(last_word&&) = delete;
    ~last_word()
    {
        if (job_)
            job_->lose();
    }
    void operator()(const std::exception_ptr&) noexcept { job_.reset(); }

private:
    std::shared_ptr<job_state<Chunk>> job_;
};

}  // namespace detail

template <class Chunk>
stream_job<Chunk>::stream_job(std::shared_ptr<detail::job_state<Chunk>> state) noexcept
    : state_(std::move(state))
{}

template <class Chunk>
stream_job<Chunk>::stream_job(stream_job&&) noexcept = default;

template <class Chunk>
stream_job<Chunk>& stream_job<Chunk>::operator=(stream_job&& other) noexcept
{
    if (this != &other)
    {
        const stream_job old(std::move(*this));
        state_ = std::move(other.state_);
    }
    return *this;
}

template <class Chunk>
stream_job<Chunk>::~stream_job()
{
    if (!state_)
        return;
    state_->on_ready({});
    state_->stop();
}

template <class Chunk>
std::optional<Chunk> stream_job<Chunk>::try_next()
{
    return state_ ? state_->try_take() : std::nullopt;
}

template <class Chunk>
std::optional<Chunk> stream_job<Chunk>::next()
{
    return state_ ? state_->take_until(std::nullopt) : std::nullopt;
}

template <class Chunk>
std::optional<Chunk> stream_job<Chunk>::next_for(std::chrono::nanoseconds limit)
{
    return state_ ? state_->take_until(net::later(std::chrono::steady_clock::now(), limit))
                  : std::nullopt;
}

template <class Chunk>
bool stream_job<Chunk>::done() const
{
    return !state_ || state_->done();
}

template <class Chunk>
void stream_job<Chunk>::on_ready(std::function<void()> post)
{
    if (state_)
        state_->on_ready(std::move(post));
}

template <class Chunk>
void stream_job<Chunk>::stop() noexcept
{
    if (state_)
        state_->stop();
}

template <class Chunk>
auto stream_job<Chunk>::partial() const -> answer_type
{
    return state_ ? state_->partial() : answer_type();
}

template <class Chunk>
metadata stream_job<Chunk>::metadata() const
{
    return state_ ? state_->metadata() : regolo::metadata();
}

template <class Chunk>
stream_end stream_job<Chunk>::ended_as() const
{
    return state_ ? state_->ended_as() : stream_end::closed;
}

template class stream_job<chat_chunk>;
template class stream_job<completion_chunk>;

struct background::impl
{
    explicit impl(client_config config) : api(io, std::move(config))
    {
        thread = std::thread([this] { run(); });
    }

    ~impl()
    {
        api.close();
        {
            const std::lock_guard lock(mutex);
            for (const auto& weak : jobs)
            {
                if (const auto job = weak.lock())
                    job->release();
            }
        }
        work.reset();
        thread.join();
    }

    /// Where memory runs out for one operation the others go on.
    void run() noexcept
    {
        for (bool more = true; more;)
        {
            try
            {
                io.run();
                more = false;
            }
            catch (const std::bad_alloc&)
            {
                // whoever it concerns has been told
            }
        }
    }

    template <class Chunk, class Stream>
    std::shared_ptr<detail::job_state<Chunk>> start(
        std::function<asio::awaitable<Stream>(call_options)> open, call_options options)
    {
        auto job = std::make_shared<detail::job_state<Chunk>>();
        {
            const std::lock_guard lock(mutex);
            if (jobs.size() >= 2 * live)
            {
                std::erase_if(jobs, [](const auto& weak) { return weak.expired(); });
                live = std::max<std::size_t>(jobs.size(), 16);
            }
            jobs.push_back(job);
        }
        job->obey(options.stop);
        options.stop = job->token();
        asio::co_spawn(io, detail::job_state<Chunk>::run(job, open(std::move(options))),
                       detail::last_word<Chunk>(job));
        return job;
    }

    template <class T>
    std::future<T> start(asio::awaitable<T> operation)
    {
        return asio::co_spawn(io, std::move(operation), asio::use_future);
    }

    asio::io_context io{1};
    asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(io);
    client api;
    std::mutex mutex;
    std::vector<std::weak_ptr<detail::any_job>> jobs;
    std::size_t live = 16;  // jobs that there were when the list was last cleared up
    std::thread thread;
};

background::background() : background(client_config::from_environment()) {}

background::background(client_config config) : impl_(std::make_unique<impl>(std::move(config))) {}

background::~background() = default;

chat_job background::stream_chat(chat_request request, call_options options)
{
    return chat_job(impl_->start<chat_chunk, chat_stream>(
        [&](call_options each) {
            return impl_->api.stream_chat(std::move(request), std::move(each));
        },
        std::move(options)));
}

completion_job background::stream_completion(completion_request request, call_options options)
{
    return completion_job(impl_->start<completion_chunk, completion_stream>(
        [&](call_options each) {
            return impl_->api.stream_completion(std::move(request), std::move(each));
        },
        std::move(options)));
}

std::future<chat_response> background::chat(chat_request request, call_options options)
{
    return impl_->start(impl_->api.chat(std::move(request), std::move(options)));
}

std::future<completion_response> background::complete(completion_request request,
                                                      call_options options)
{
    return impl_->start(impl_->api.complete(std::move(request), std::move(options)));
}

std::future<embedding_response> background::embed(embedding_request request, call_options options)
{
    return impl_->start(impl_->api.embed(std::move(request), std::move(options)));
}

std::future<image_response> background::generate_images(image_request request, call_options options)
{
    return impl_->start(impl_->api.generate_images(std::move(request), std::move(options)));
}

std::future<speech_response> background::speak(speech_request request, call_options options)
{
    return impl_->start(impl_->api.speak(std::move(request), std::move(options)));
}

std::future<transcript> background::transcribe(transcription_request request, call_options options)
{
    return impl_->start(impl_->api.transcribe(std::move(request), std::move(options)));
}

std::future<transcript> background::translate(transcription_request request, call_options options)
{
    return impl_->start(impl_->api.translate(std::move(request), std::move(options)));
}

std::future<rerank_response> background::rerank(rerank_request request, call_options options)
{
    return impl_->start(impl_->api.rerank(std::move(request), std::move(options)));
}

std::future<token_count> background::count_tokens(token_count_request request, call_options options)
{
    return impl_->start(impl_->api.count_tokens(std::move(request), std::move(options)));
}

std::future<model_list> background::models(call_options options)
{
    return impl_->start(impl_->api.models(std::move(options)));
}

std::future<model_info_list> background::model_info(call_options options)
{
    return impl_->start(impl_->api.model_info(std::move(options)));
}

std::future<model_group_list> background::model_groups(call_options options)
{
    return impl_->start(impl_->api.model_groups(std::move(options)));
}

std::future<regolo::key_info> background::key_info(call_options options)
{
    return impl_->start(impl_->api.key_info(std::move(options)));
}

std::future<api_response> background::request(api_request request, call_options options)
{
    return impl_->start(impl_->api.request(std::move(request), std::move(options)));
}

}  // namespace regolo::inline v0
