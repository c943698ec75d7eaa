#include "client_state.hpp"
#include "core/duration_text.hpp"
#include "net/saturate.hpp"
#include "stream_state.hpp"
#include "turn.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>
#include <exception>

namespace regolo::inline v0 {

namespace detail {

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

error closed_stream()
{
    return make_error(asio::error::operation_aborted, "the stream was closed");
}

}  // namespace

void partial_answer<completion_chunk>::add(const completion_chunk& chunk)
{
    if (answer.id.empty())
        answer.id = chunk.id;
    if (answer.model.empty())
        answer.model = chunk.model;
    answer.object = "text_completion";
    answer.created = chunk.created;
    answer.system_fingerprint = chunk.system_fingerprint;
    if (chunk.usage)
        answer.usage = chunk.usage;
    for (const auto& [name, value] : chunk.extra)
        answer.extra[name] = value;
    for (const auto& piece : chunk.choices)
    {
        auto place = std::find_if(answer.choices.begin(), answer.choices.end(),
                                  [&](const auto& choice) { return choice.index >= piece.index; });
        if (place == answer.choices.end() || place->index != piece.index)
        {
            place = answer.choices.insert(place, completion_choice());
            place->index = piece.index;
        }
        place->text += piece.text;
        if (!piece.finish_reason.empty())
            place->finish_reason = piece.finish_reason;
        if (!piece.stop_reason.is_null())
            place->stop_reason = piece.stop_reason;
        if (!piece.logprobs.is_null())
            place->logprobs = piece.logprobs;
        for (const auto& [name, value] : piece.extra)
            place->extra[name] = value;
    }
}

template <class Chunk>
auto basic_stream<Chunk>::state::advance(Chunk& out) -> step
{
    for (;;)
    {
        const auto found = decoder.pull(out);
        if (!seen_event && decoder.seen_event())
        {
            seen_event = true;
            source->saw_first_event();
        }
        switch (found)
        {
            case core::stream_step::chunk:
                delivered = true;
                partial.add(out);
                return step::chunk;
            case core::stream_step::ended:
                ended = decoder.ended_as();
                source->succeed(outcome());
                return step::ended;
            case core::stream_step::failed:
                failure = decoder.failure();
                return step::failed;
            case core::stream_step::need_more:
                break;
        }
        std::string_view piece;
        switch (source->take(piece))
        {
            case feed_state::bytes:
                decoder.push(piece);
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

template <class Chunk>
error_info basic_stream<Chunk>::state::settle(const error_info& info)
{
    const bool from_outside =
        info.code == asio::error::operation_aborted || info.code == errc::client_closed;
    ended = from_outside ? stream_end::closed : stream_end::failed;
    failure = source->fail(info, outcome());
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
    if (ended == stream_end::open)
    {
        ended = stream_end::closed;
        source->drop(outcome());
    }
    busy.store(false, std::memory_order_release);
}

namespace {

/// The body of every `next`. Free functions, since a member would dangle when its stream moves.
template <class State, class Chunk>
asio::awaitable<bool> take_next(std::shared_ptr<State> self, Chunk& out,
                                std::chrono::nanoseconds limit)
{
    if (!self)
        throw closed_stream();
    const turn mine(self->busy, phase::body,
                    "another next() of this stream is waiting; a stream has one caller at a time");
    const auto until =
        limit.count() > 0 ? net::later(self->source->now(), limit) : net::clock::time_point::max();
    for (;;)
    {
        if (self->ended != stream_end::open)
        {
            if (self->failure)
                throw error(*self->failure);
            if (self->ended == stream_end::closed)
                throw closed_stream();
            co_return false;
        }
        switch (self->advance(out))
        {
            case State::step::chunk:
                co_return true;
            case State::step::ended:
                co_return false;
            case State::step::failed:
            {
                std::exception_ptr gone;
                try
                {
                    if (self->delivered)
                        throw error(*self->failure);
                    co_await self->source->reopen(*self->failure);
                }
                catch (...)
                {
                    gone = std::current_exception();
                }
                if (gone)
                    throw error(self->settle(to_error_info(std::move(gone))));
                self->failure.reset();
                self->seen_event = false;
                self->decoder.start(self->source->head());
                break;
            }
            case State::step::wait:
            {
                auto left = std::chrono::nanoseconds::zero();
                if (limit.count() > 0)
                {
                    left = std::max(std::chrono::nanoseconds(1),
                                    std::chrono::nanoseconds(until - self->source->now()));
                }
                boost::system::error_code ec;
                try
                {
                    co_await self->source->wait_body(left, !self->seen_event);
                }
                catch (const boost::system::system_error& timeout)
                {
                    ec = timeout.code();
                }
                if (ec == errc::context_stopped)
                    throw error(self->settle(context_stopped_error().info()));
                if (ec)
                {
                    throw make_error(ec, "no chunk within " + core::to_text(limit) +
                                             " (next_for); the stream is whole, ask again");
                }
                break;
            }
        }
    }
}

template <class Chunk, class State>
asio::awaitable<std::optional<Chunk>> take_optional(std::shared_ptr<State> self,
                                                    std::chrono::nanoseconds limit)
{
    std::optional<Chunk> found(std::in_place);
    const bool more = co_await take_next(std::move(self), *found, limit);
    if (!more)
        found.reset();
    co_return found;
}

template <class State, class Chunk>
asio::awaitable<bool> take_into(std::shared_ptr<State> self, Chunk* out)
{
    co_return co_await take_next(std::move(self), *out, std::chrono::nanoseconds::zero());
}

const metadata& no_metadata()
{
    static const metadata none;
    return none;
}

}  // namespace

template <class Chunk>
basic_stream<Chunk>::basic_stream() noexcept = default;

template <class Chunk>
basic_stream<Chunk>::basic_stream(basic_stream&&) noexcept = default;

template <class Chunk>
basic_stream<Chunk>& basic_stream<Chunk>::operator=(basic_stream&& other) noexcept
{
    if (this != &other)
    {
        close();
        state_ = std::move(other.state_);
    }
    return *this;
}

template <class Chunk>
basic_stream<Chunk>::~basic_stream()
{
    close();
}

template <class Chunk>
basic_stream<Chunk>::basic_stream(std::shared_ptr<state> shared) noexcept
    : state_(std::move(shared))
{}

template <class Chunk>
asio::awaitable<std::optional<Chunk>> basic_stream<Chunk>::next()
{
    return take_optional<Chunk>(state_, std::chrono::nanoseconds::zero());
}

template <class Chunk>
asio::awaitable<bool> basic_stream<Chunk>::next(Chunk& reuse)
{
    return take_into(state_, &reuse);
}

template <class Chunk>
bool basic_stream<Chunk>::try_next(Chunk& reuse)
{
    if (!state_ || state_->busy.exchange(true, std::memory_order_acquire))
        return false;
    const bool found =
        state_->ended == stream_end::open && state_->advance(reuse) == state::step::chunk;
    state_->busy.store(false, std::memory_order_release);
    return found;
}

template <class Chunk>
asio::awaitable<std::optional<Chunk>> basic_stream<Chunk>::next_for(std::chrono::nanoseconds limit)
{
    // A limit that has passed still takes what is there.
    return take_optional<Chunk>(state_, std::max(limit, std::chrono::nanoseconds(1)));
}

template <class Chunk>
const metadata& basic_stream<Chunk>::metadata() const noexcept
{
    return state_ ? state_->source->metadata() : no_metadata();
}

template <class Chunk>
stream_end basic_stream<Chunk>::ended_as() const noexcept
{
    return state_ ? state_->ended : stream_end::closed;
}

template <class Chunk>
void basic_stream<Chunk>::close() noexcept
{
    if (state_)
        state_->close();
}

template class basic_stream<chat_chunk>;
template class basic_stream<completion_chunk>;
template class basic_stream<server_event>;
template class basic_stream<std::string>;

}  // namespace detail

chat_response chat_stream::partial() const
{
    auto answer = state_ ? state_->partial.answer.response() : chat_response();
    answer.metadata = metadata();
    return answer;
}

completion_response completion_stream::partial() const
{
    auto answer = state_ ? state_->partial.answer : completion_response();
    answer.metadata = metadata();
    return answer;
}

}  // namespace regolo::inline v0
