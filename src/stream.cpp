#include "stream_state.hpp"

#include <algorithm>
#include <utility>

namespace regolo::inline v0 {

namespace detail {

namespace asio = boost::asio;

namespace {

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
    return state::take_new(state_, std::chrono::nanoseconds::zero());
}

template <class Chunk>
asio::awaitable<bool> basic_stream<Chunk>::next(Chunk& reuse)
{
    return state::take(state_, reuse, std::chrono::nanoseconds::zero(), state::retries::allowed,
                       &state::any);
}

template <class Chunk>
bool basic_stream<Chunk>::try_next(Chunk& reuse)
{
    if (!state_ || state_->busy.exchange(true, std::memory_order_acquire))
        return false;
    struct release
    {
        std::atomic<bool>& busy;
        ~release() { busy.store(false, std::memory_order_release); }
    };
    const release at_the_end{state_->busy};
    return state_->ended == stream_end::open && state_->advance(reuse) == state::step::chunk;
}

template <class Chunk>
asio::awaitable<std::optional<Chunk>> basic_stream<Chunk>::next_for(std::chrono::nanoseconds limit)
{
    // A limit that has passed still takes what is there.
    return state::take_new(state_, std::max(limit, std::chrono::nanoseconds(1)));
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
template class basic_stream<transcript_chunk>;
template class basic_stream<server_event>;
template class basic_stream<std::string>;

}  // namespace detail

}  // namespace regolo::inline v0
