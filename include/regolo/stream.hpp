#pragma once

#include <regolo/api_request.hpp>
#include <regolo/chat.hpp>
#include <regolo/completion.hpp>
#include <regolo/error.hpp>
#include <regolo/metadata.hpp>
#include <regolo/stream_end.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <memory>
#include <optional>

namespace regolo::inline v0 {

namespace detail {

struct stream_access;

/** What all streams have in common; not for direct use.

    A stream is an object: between two calls of `next()` nothing runs, so that not calling it is
    back-pressure, and destroying it closes the connection and frees its place in the pool at once. A
    stream read to its end gives its connection back.

    @par Executor       results arrive on the executor of the coroutine that awaits
    @par Thread safety  one caller at a time: a second `next()` while one waits fails with
                        `errc::operation_in_progress` and hurts nothing. May be destroyed on any thread.
    @par Cancellation   terminal; cancelling a `next()` closes the connection and ends the stream. Use
                        `next_for()` for a wait that leaves the stream whole.
    @par Lifetimes      a stream may outlive its client, not the client's execution context
*/
template <class Chunk>
class REGOLO_EXPORT basic_stream
{
public:
    /// A stream that has nothing to give, as a moved-from one: `next()` fails with `operation_aborted`.
    basic_stream() noexcept;
    basic_stream(basic_stream&&) noexcept;
    basic_stream& operator=(basic_stream&&) noexcept;
    ~basic_stream();

    /** The next chunk, or nothing at the end.

        @par Errors  everything that `client::chat` reports; an error frame of the server;
                     `errc::truncated` when the body ends before the answer is complete;
                     `errc::connection_lost` when the connection ends before the body;
                     `errc::idle_timeout`. After an error or the end, further calls repeat the outcome.
    */
    [[nodiscard]] boost::asio::awaitable<std::optional<Chunk>> next();

    /// The same into an object that is used again, which saves its allocations. False at the end.
    /// @param reuse  must live until the operation completes
    [[nodiscard]] boost::asio::awaitable<bool> next(Chunk& reuse);

    /** Takes a chunk that has arrived already, without waiting and without reading from the connection: a loop
        needs `next()` or `next_for()` to make progress.

        @returns false when none is buffered, also at the end or after a failure: `next()` tells which
    */
    [[nodiscard]] bool try_next(Chunk& reuse);

    /** As `next()`, but gives up waiting after `limit` and leaves the stream whole.

        @returns nothing at the end of the stream
        @par Errors  `errc::wait_timeout` when the time passed: the stream is as before, call again to go on
    */
    [[nodiscard]] boost::asio::awaitable<std::optional<Chunk>> next_for(
        std::chrono::nanoseconds limit);

    /// What the response head told. Until the first chunk, `next()` may start a new attempt and with it replace
    /// this. The reference is valid while the stream lives and no `next()` is waiting.
    [[nodiscard]] const regolo::metadata& metadata() const noexcept;

    [[nodiscard]] stream_end ended_as() const noexcept;

    /// Ends the stream now, as destroying it does, also under a waiting `next()`, which then fails with
    /// `operation_aborted`, as later ones do. From the caller's own thread only.
    void close() noexcept;

protected:
    struct state;
    explicit basic_stream(std::shared_ptr<state> shared) noexcept;

    std::shared_ptr<state> state_;

    friend struct stream_access;
};

}  // namespace detail

/** The chunks of a streamed chat answer.

    @par Example
    @code
    auto stream = co_await client.stream_chat(request);
    while (auto chunk = co_await stream.next())
        std::cout << chunk->text() << std::flush;
    @endcode
*/
class REGOLO_EXPORT chat_stream : public detail::basic_stream<chat_chunk>
{
public:
    chat_stream() = default;

    /// The answer as far as it has been handed out, also after an error. A copy.
    [[nodiscard]] chat_response partial() const;

private:
    using basic_stream::basic_stream;
    friend struct detail::stream_access;
};

/// The chunks of a streamed completion; used as `chat_stream` is.
class REGOLO_EXPORT completion_stream : public detail::basic_stream<completion_chunk>
{
public:
    completion_stream() = default;

    /// The answer as far as it has been handed out, also after an error. A copy.
    [[nodiscard]] completion_response partial() const;

private:
    using basic_stream::basic_stream;
    friend struct detail::stream_access;
};

/// The raw events of any stream; used as `chat_stream` is. It ends as `done` at `[DONE]`, which is not
/// yielded, and as `finished` where the body ends cleanly: what an event means is up to the caller.
class REGOLO_EXPORT event_stream : public detail::basic_stream<server_event>
{
public:
    event_stream() = default;

private:
    using basic_stream::basic_stream;
    friend struct detail::stream_access;
};

extern template class detail::basic_stream<chat_chunk>;
extern template class detail::basic_stream<completion_chunk>;
extern template class detail::basic_stream<server_event>;

}  // namespace regolo::inline v0
