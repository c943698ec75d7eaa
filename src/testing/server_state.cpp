#include "testing/server_state.hpp"

#include <exception>
#include <utility>

namespace regolo::inline v0::testing {

namespace {

bool begins_with_request(const script& candidate)
{
    return candidate.how_it_opens() == opening::normal && !candidate.steps().empty() &&
           std::holds_alternative<step::expect_request>(candidate.steps().front());
}

script without_first_step(const script& whole)
{
    script rest;
    for (auto each = whole.steps().begin() + 1; each != whole.steps().end(); ++each)
        rest.add(*each);
    return rest;
}

}  // namespace

server_state::server_state(const server_options& options)
    : kept_requests_(options.kept_requests),
      handler_(options.handler),
      simulation_(options.simulation)
{}

void server_state::enqueue(script next)
{
    const std::lock_guard lock(mutex_);
    scripts_.push_back(std::move(next));
}

void server_state::enqueue(std::string path, script answer)
{
    if (!path.starts_with('/'))
        path.insert(path.begin(), '/');
    const std::lock_guard lock(mutex_);
    answers_[std::move(path)].push_back(std::move(answer));
}

void server_state::set_handler(std::function<script(const received_request&)> handler)
{
    const std::lock_guard lock(mutex_);
    handler_ = std::move(handler);
}

std::optional<script> server_state::script_for_connection()
{
    const std::lock_guard lock(mutex_);
    if (scripts_.empty())
        return std::nullopt;
    std::optional<script> next(std::move(scripts_.front()));
    scripts_.pop_front();
    return next;
}

script server_state::answer(const received_request& request)
{
    {
        const std::lock_guard lock(mutex_);
        if (!scripts_.empty() && begins_with_request(scripts_.front()))
        {
            const script next = std::move(scripts_.front());
            scripts_.pop_front();
            return without_first_step(next);
        }
        const auto queued = answers_.find(request.path());
        if (queued != answers_.end() && !queued->second.empty())
        {
            script next = std::move(queued->second.front());
            queued->second.pop_front();
            return next;
        }
    }
    return default_answer(request);
}

script server_state::default_answer(const received_request& request)
{
    std::unique_lock lock(mutex_);
    const auto handler = handler_;
    lock.unlock();
    try
    {
        return handler ? handler(request) : simulated(request);
    }
    catch (const std::exception& error)
    {
        return script()
            .respond(500, "text/plain", std::string("the handler threw: ") + error.what())
            .fin();
    }
}

script server_state::simulated(const received_request& request)
{
    const std::lock_guard lock(simulation_mutex_);
    return simulation_.answer(request);
}

void server_state::record_request(received_request& request)
{
    record([&](server_counts& counts) {
        request.sequence = counts.requests++;
        if (requests_.size() < kept_requests_)
            requests_.push_back(request);
    });
}

void server_state::record_piece(std::size_t sequence)
{
    record([&](server_counts& counts) {
        ++counts.pieces_written;
        if (sequence < requests_.size())
            ++requests_[sequence].pieces_written;
    });
}

void server_state::record_answer(std::size_t sequence)
{
    record([&](server_counts& counts) {
        ++counts.answered;
        if (sequence < requests_.size())
            requests_[sequence].is_answered = true;
    });
}

std::vector<received_request> server_state::requests() const
{
    const std::lock_guard lock(mutex_);
    return {requests_.begin(), requests_.end()};
}

server_counts server_state::counts() const
{
    const std::lock_guard lock(mutex_);
    return counts_;
}

bool server_state::wait_until(const std::function<bool()>& condition,
                              std::chrono::milliseconds timeout) const
{
    // Not the steady clock: its pthread_cond_clockwait is unknown to the thread sanitizer of GCC 12.
    const auto deadline = std::chrono::system_clock::now() + timeout;
    for (;;)
    {
        std::unique_lock lock(mutex_);
        const auto seen = version_;
        lock.unlock();
        if (condition())  // without the lock, since it asks this object
            return true;
        lock.lock();
        if (!changed_.wait_until(lock, deadline, [&] { return version_ != seen; }))
            return false;
    }
}

}  // namespace regolo::inline v0::testing
