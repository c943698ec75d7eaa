#include "stream_state.hpp"

#include "client_state.hpp"
#include "core/duration_text.hpp"
#include "net/saturate.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>
#include <exception>
#include <new>
#include <type_traits>
#include <utility>

namespace regolo::inline v0::detail {

namespace asio = boost::asio;

namespace {

error make_error(boost::system::error_code code, std::string message)
{
    error_info info;
    info.code = code;
    info.where = phase::body;
    info.message = std::move(message);
    return error(std::move(info));
}

/// The time of a caller who waits with a limit, or without one (zero).
class patience
{
public:
    patience(stream_source& source, std::chrono::nanoseconds limit)
        : source_(source),
          is_limited_(limit.count() > 0),
          until_(is_limited_ ? net::later(source.now(), limit) : net::clock::time_point::max())
    {}

    [[nodiscard]] bool is_over() const { return is_limited_ && source_.now() >= until_; }
    /// As `stream_source::wait_body` wants it.
    [[nodiscard]] std::chrono::nanoseconds left() const
    {
        if (!is_limited_)
            return std::chrono::nanoseconds::zero();
        return std::max(std::chrono::nanoseconds(1),
                        std::chrono::nanoseconds(until_ - source_.now()));
    }

private:
    stream_source& source_;
    bool is_limited_;
    net::clock::time_point until_;
};

/// What an operation gives that has a chunk.
template <class Result, class Chunk>
Result taken(Chunk& chunk)
{
    if constexpr (std::is_same_v<Result, bool>)
        return true;
    else
        return Result(std::move(chunk));
}

}  // namespace

error closed_stream()
{
    auto info = make_error(asio::error::operation_aborted, "the stream was closed").info();
    info.sent = true;  // there is no stream without the head of an answer
    return error(std::move(info));
}

template <class Chunk>
void basic_stream<Chunk>::state::begin()
{
    arrived = {};
    decoder.start(source->take_head());
    held.start(source->fail_on().empty);
    partial = partial_answer<Chunk>();
    failure.reset();
    seen_event = false;
    received = 0;
}

template <class Chunk>
auto basic_stream<Chunk>::state::advance(Chunk& out) -> step
try
{
    for (;;)
    {
        if (stop.stop_requested())
        {
            failure = make_error(asio::error::operation_aborted, stopped_by_token).info();
            return step::failed;
        }
        if (held.pull(out))
            return deliver();
        if (decoder.wants_more() && !arrived.empty() && !push_piece())
            return step::failed;
        const auto found = decoder.pull(out);
        if (!seen_event && decoder.seen_event())
        {
            seen_event = true;
            source->saw_first_event();
        }
        switch (found)
        {
            case core::stream_step::chunk:
                partial.add(out, decoder.repeats());
                if (held.keep(out))
                    continue;
                return deliver();
            case core::stream_step::ended:
                if (auto refusal = received == 0 && refuses_empty ? empty_body() : find_refusal())
                {
                    failure = *std::move(refusal);
                    return step::failed;
                }
                held.let_go();
                if (held.pull(out))
                    return deliver();
                ended = decoder.ended_as();
                source->succeed(outcome());
                tell_end();
                return step::ended;
            case core::stream_step::failed:
                failure = decoder.failure();
                return step::failed;
            case core::stream_step::need_more:
                break;
        }
        switch (arrived.empty() ? source->take(arrived) : feed_state::bytes)
        {
            case feed_state::bytes:
                if (!push_piece())
                    return step::failed;
                break;
            case feed_state::end:
                decoder.end_of_body();
                break;
            case feed_state::wait:
                return step::wait;
            case feed_state::failed:
                failure = source->failure();
                return step::failed;
        }
    }
}
catch (const std::bad_alloc&)
{
    give_up();  // a part may be lost: what came next would have a gap before it
    throw;
}

template <class Chunk>
auto basic_stream<Chunk>::state::deliver() noexcept -> step
{
    if (!std::exchange(delivered, true))
        source->commit();
    return step::chunk;
}

template <class Chunk>
bool basic_stream<Chunk>::state::push_piece()
{
    const auto piece = arrived.front();
    if (piece.size() > most - received)
    {
        failure = too_large(most);
        return false;
    }
    arrived = arrived.subspan(1);
    received += piece.size();
    decoder.push(piece);
    return true;
}

template <class Chunk>
error_info basic_stream<Chunk>::state::empty_body()
{
    return make_error(errc::bad_response, "the server answered with success and an empty body")
        .info();
}

/// A stream may go on for ever; what is kept of it may not.
template <class Chunk>
error_info basic_stream<Chunk>::state::too_large(std::size_t most)
{
    auto info = make_error(errc::too_large, "the answer is larger than " + std::to_string(most) +
                                                " bytes (limits::body); raise that limit if this "
                                                "is expected")
                    .info();
    info.sent = true;
    return info;
}

/// Why the answer that has ended is refused all the same.
template <class Chunk>
std::optional<error_info> basic_stream<Chunk>::state::find_refusal() const
{
    const auto refused = source->fail_on();
    if (!refused)
        return std::nullopt;
    const auto& asked = source->metadata().model_asked;
    return core::refuse_doubts(partial.doubts(asked), refused, asked, decoder.model());
}

template <class Chunk>
error_info basic_stream<Chunk>::state::settle(const error_info& info)
{
    const bool from_outside =
        info.code == asio::error::operation_aborted || info.code == errc::client_closed;
    core::kept_failure told(info);
    if (tells_partial)
        told->partial_text = partial.text();
    // From here on the stream has failed, also where there is no memory to complete what is told of it.
    ended = from_outside ? stream_end::closed : stream_end::failed;
    failure = std::move(told);
    *failure = source->fail(*failure, outcome());
    tell_end();
    return *failure;
}

template <class Chunk>
void basic_stream<Chunk>::state::close() noexcept
{
    if (busy.exchange(true, std::memory_order_acquire))
    {
        source->stop(asio::error::operation_aborted, "the stream was closed");
        return;
    }
    give_up();
    busy.store(false, std::memory_order_release);
}

template <class Chunk>
void basic_stream<Chunk>::state::give_up() noexcept
{
    if (ended != stream_end::open)
        return;
    ended = stream_end::closed;
    source->drop(outcome());
    tell_end();
}

template <class Chunk>
void basic_stream<Chunk>::state::tell_end() noexcept
{
    const auto told = std::exchange(on_end, nullptr);
    if (!told)
        return;
    try
    {
        told();
    }
    catch (...)
    {
        // Out of memory: whoever listens has to do without.
    }
}

template <class Chunk>
turn basic_stream<Chunk>::state::enter(const std::shared_ptr<state>& self)
{
    if (!self)
        throw closed_stream();
    return turn(self->busy, phase::body,
                "another next() of this stream is waiting; a stream has one caller at a time");
}

template <class Chunk>
bool basic_stream<Chunk>::state::has_ended() const
{
    if (ended == stream_end::open)
        return false;
    if (failure)
        throw error(*failure);
    if (ended == stream_end::closed)
        throw closed_stream();
    return true;
}

template <class Chunk>
asio::awaitable<bool> basic_stream<Chunk>::state::take(std::shared_ptr<state> self, Chunk& out,
                                                       std::chrono::nanoseconds limit,
                                                       retries further, filter is_wanted)
{
    return take_of<bool>(std::move(self), &out, limit, further, is_wanted);
}

template <class Chunk>
asio::awaitable<bool> basic_stream<Chunk>::state::take(lent self, Chunk& out,
                                                       std::chrono::nanoseconds limit,
                                                       retries further, filter is_wanted)
{
    return take_of<bool>(self, &out, limit, further, is_wanted);
}

template <class Chunk>
asio::awaitable<std::optional<Chunk>> basic_stream<Chunk>::state::take_new(
    std::shared_ptr<state> self, std::chrono::nanoseconds limit)
{
    return take_of<std::optional<Chunk>>(std::move(self), nullptr, limit, retries::allowed, &any);
}

template <class Chunk>
template <class Result, class Owner>
asio::awaitable<Result> basic_stream<Chunk>::state::take_of(Owner owner, Chunk* given,
                                                            std::chrono::nanoseconds limit,
                                                            retries further, filter is_wanted)
{
    const turn mine = enter(owner);
    state& self = at(owner);
    if (given == nullptr && !self.fresh)
        self.fresh = std::make_unique<Chunk>();
    Chunk& out = given != nullptr ? *given : *self.fresh;
    const patience wait(*self.source, limit);
    for (bool has_waited = false; !self.has_ended();)
    {
        try
        {
            switch (self.advance(out))
            {
                case step::chunk:
                    if (is_wanted(out))
                        co_return taken<Result>(out);
                    // A server that never pauses must not go on for ever.
                    if (wait.is_over())
                        self.end_wait(errc::wait_timeout, limit);
                    break;
                case step::ended:
                    co_return Result();
                case step::failed:
                {
                    // Not in a coroutine of its own: a cancelled one could not even begin.
                    std::exception_ptr gone;
                    try
                    {
                        co_await self.reopen(further);
                    }
                    catch (...)
                    {
                        gone = std::current_exception();
                    }
                    self.begin_again(std::move(gone));
                    break;
                }
                case step::wait:
                    // Nor must one that sends nothing but comments.
                    if (std::exchange(has_waited, true) && wait.is_over())
                        self.end_wait(errc::wait_timeout, limit);
                    co_await self.source->wait_body(wait.left(), !self.seen_event);
                    break;
            }
        }
        catch (const error&)
        {
            throw;
        }
        catch (const boost::system::system_error& unfinished)
        {
            self.end_wait(unfinished.code(), limit);
        }
    }
    co_return Result();
}

/// The wait was given up, which leaves the stream whole, or the caller can go no further: his context has stopped, or Asio
/// refuses a coroutine that was cancelled its next step.
template <class Chunk>
void basic_stream<Chunk>::state::end_wait(boost::system::error_code why,
                                          std::chrono::nanoseconds limit)
{
    if (why == errc::wait_timeout)
    {
        throw make_error(why, "no chunk within " + core::to_text(limit) +
                                  " (next_for); the stream is whole, ask again");
    }
    const auto cause = why == errc::context_stopped ? context_stopped_error()
                                                    : make_error(why, "the wait was cancelled");
    throw error(settle(cause.info()));
}

/// A further attempt, where there may be one. No coroutine, as the error is larger than what Asio keeps of one.
template <class Chunk>
asio::awaitable<void> basic_stream<Chunk>::state::reopen(retries further)
{
    if (delivered || further == retries::none)
        throw error(*failure);
    arrived = {};  // goes with the attempt
    return source->reopen(*failure);
}

/// Begins anew with a further attempt, or ends the stream where there is none.
template <class Chunk>
void basic_stream<Chunk>::state::begin_again(std::exception_ptr gone)
{
    try
    {
        if (gone)
            throw error(settle(to_error_info(std::move(gone))));
        begin();
    }
    catch (const error&)
    {
        throw;
    }
    catch (...)
    {
        give_up();  // out of memory: neither the old attempt is there nor the new one
        throw;
    }
}

template struct basic_stream<chat_chunk>::state;
template struct basic_stream<completion_chunk>::state;
template struct basic_stream<transcript_chunk>::state;
template struct basic_stream<server_event>::state;
template struct basic_stream<std::string>::state;

}  // namespace regolo::inline v0::detail
