#include "collect.hpp"

#include "stream_state.hpp"

#include <exception>
#include <string>
#include <utility>

namespace regolo::inline v0::detail {

namespace asio = boost::asio;

namespace {

template <class Chunk, class State>
asio::awaitable<void> read_whole(State& stream)
{
    Chunk chunk;
    for (;;)
    {
        const bool more = co_await State::take(typename State::lent(stream), chunk,
                                               std::chrono::nanoseconds::zero(),
                                               State::retries::allowed, &State::any);
        if (!more)
            co_return;
    }
}

}  // namespace

template <class Stream>
asio::awaitable<typename Stream::answer_type> collect(asio::awaitable<Stream> opening)
{
    auto stream = co_await std::move(opening);
    const auto state = stream_access::state_of(stream);
    state->tells_partial = true;
    std::exception_ptr failure;
    try
    {
        co_await read_whole<typename Stream::chunk_type>(*state);
    }
    catch (...)
    {
        failure = std::current_exception();
    }
    if (!failure)
        co_return std::move(stream).final();
    // A cancellation may come from Asio itself, which knows nothing of the stream.
    if (state->ended == stream_end::open)
        state->settle(to_error_info(std::move(failure)));
    throw error(*state->failure);
}

template asio::awaitable<chat_response> collect(asio::awaitable<chat_stream>);
template asio::awaitable<completion_response> collect(asio::awaitable<completion_stream>);

}  // namespace regolo::inline v0::detail
