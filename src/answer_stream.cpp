#include "stream_state.hpp"

#include <boost/asio/error.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace regolo::inline v0 {

namespace detail {

namespace asio = boost::asio;

namespace {

constexpr auto no_limit = std::chrono::nanoseconds::zero();

/// Moves the text that a chunk adds to choice 0 out of it.
std::string take_text(chat_chunk& chunk)
{
    for (auto& choice : chunk.choices)
    {
        if (choice.index == 0 && choice.delta.content)
            return std::move(*choice.delta.content);
    }
    return {};
}

std::string take_text(completion_chunk& chunk)
{
    for (auto& choice : chunk.choices)
    {
        if (choice.index == 0)
            return std::move(choice.text);
    }
    return {};
}

std::string take_text(transcript_chunk& chunk) { return std::move(chunk.delta); }

template <class Chunk>
bool has_text(const Chunk& chunk)
{
    return !chunk.text().empty();
}

template <class Chunk, class State>
asio::awaitable<std::optional<std::string>> take_next_text(std::shared_ptr<State> self)
{
    const turn mine = State::enter(self);
    Chunk chunk;
    const bool more = co_await State::take(State::lend(self), chunk, no_limit,
                                           State::retries::allowed, &has_text<Chunk>);
    std::optional<std::string> text;
    if (more)
        text = take_text(chunk);
    co_return text;
}

template <class State>
asio::awaitable<std::optional<stream_piece>> take_next_piece(std::shared_ptr<State> self)
{
    const turn mine = State::enter(self);
    if (!self->pieces)
        self->pieces = std::make_unique<core::piece_cutter>();
    auto& pieces = *self->pieces;
    std::optional<stream_piece> piece(std::in_place);
    if (pieces.pull(*piece))
        co_return piece;
    const bool more = co_await State::take(State::lend(self), pieces.refill(), no_limit,
                                           State::retries::allowed, &core::has_pieces);
    if (more)
        pieces.start();
    if (!more || !pieces.pull(*piece))
        piece.reset();
    co_return piece;
}

template <class Answer, class State>
Answer copy_answer(const std::shared_ptr<State>& self)
{
    if (!self)
        return {};
    Answer answer = self->partial.answer.response();
    answer.metadata = self->source->metadata();
    return answer;
}

/// Takes what has arrived, without waiting; ends the stream where more would have to come.
template <class Chunk, class State>
void take_rest(State& self)
{
    Chunk chunk;
    for (;;)
    {
        switch (self.advance(chunk))
        {
            case State::step::chunk:
                break;
            case State::step::ended:
                return;
            case State::step::failed:
                throw error(self.settle(*self.failure));
            case State::step::wait:
                return self.give_up();
        }
    }
}

template <class Chunk, class State>
asio::awaitable<typename stream_traits<Chunk>::answer> read_to_end(std::shared_ptr<State> self,
                                                                   std::chrono::nanoseconds limit)
{
    const turn mine = State::enter(self);
    Chunk chunk;
    bool is_late = limit <= no_limit && !self->has_ended();
    if (!is_late)
    {
        try
        {
            co_await State::take(State::lend(self), chunk, limit, State::retries::none,
                                 &State::none);
        }
        catch (const error& failure)
        {
            is_late = failure.code() == errc::wait_timeout;
            if (!is_late)
                throw;
        }
    }
    if (is_late)
        take_rest<Chunk>(*self);
    co_return copy_answer<typename stream_traits<Chunk>::answer>(self);
}

error open_stream_error()
{
    error_info info;
    info.code = errc::stream_open;
    info.where = phase::body;
    info.message =
        "the answer is not complete, its stream is still open: read it to the end, or call "
        "finish(); "
        "partial() has what has arrived";
    return error(std::move(info));
}

/// @throws error  unless the stream has ended as it should
template <class State>
void require_end(const std::shared_ptr<State>& self)
{
    if (!self)
        throw closed_stream();
    if (!self->has_ended())
        throw open_stream_error();
}

}  // namespace

template <class Chunk>
asio::awaitable<std::optional<std::string>> answer_stream<Chunk>::next_text()
{
    return take_next_text<Chunk>(this->state_);
}

template <class Chunk>
std::string_view answer_stream<Chunk>::text() const noexcept
{
    return this->state_ ? this->state_->partial.answer.text() : std::string_view();
}

template <class Chunk>
auto answer_stream<Chunk>::partial() const -> answer_type
{
    return copy_answer<answer_type>(this->state_);
}

template <class Chunk>
auto answer_stream<Chunk>::final() const& -> answer_type
{
    require_end(this->state_);
    return copy_answer<answer_type>(this->state_);
}

template <class Chunk>
auto answer_stream<Chunk>::final() && -> answer_type
{
    require_end(this->state_);
    auto metadata = this->state_->source->metadata();  // before the answer leaves the stream
    auto answer = this->state_->partial.answer.take();
    answer.metadata = std::move(metadata);
    return answer;
}

template <class Chunk>
auto answer_stream<Chunk>::finish(std::chrono::nanoseconds limit) -> asio::awaitable<answer_type>
{
    return read_to_end<Chunk>(this->state_, limit);
}

template class answer_stream<chat_chunk>;
template class answer_stream<completion_chunk>;
template class answer_stream<transcript_chunk>;

}  // namespace detail

boost::asio::awaitable<std::optional<stream_piece>> chat_stream::next_piece()
{
    return detail::take_next_piece(state_);
}

}  // namespace regolo::inline v0
