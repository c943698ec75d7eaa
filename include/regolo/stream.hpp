#pragma once

#include <regolo/api_request.hpp>
#include <regolo/chat.hpp>
#include <regolo/completion.hpp>
#include <regolo/error.hpp>
#include <regolo/metadata.hpp>
#include <regolo/stream_end.hpp>
#include <regolo/stream_piece.hpp>
#include <regolo/transcript.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace regolo::inline v0 {

namespace detail {

struct stream_access;

/** What all streams have in common; not for direct use.

    A stream is an object: between two calls of `next()` nothing runs, so that not calling it is
    back-pressure, and destroying it closes the connection and frees its place in the pool at once. A
    stream read to its end gives its connection back.

    @par Executor       results arrive on the executor of the coroutine that awaits
    @par Thread safety  one caller at a time: a second `next()` while one waits fails with
                        `errc::operation_in_progress`, `try_next()` gives nothing then; neither hurts. May be
                        destroyed on any thread.
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

template <class Chunk>
struct stream_traits;
template <>
struct stream_traits<chat_chunk>
{
    using answer = chat_response;
};
template <>
struct stream_traits<completion_chunk>
{
    using answer = completion_response;
};
template <>
struct stream_traits<transcript_chunk>
{
    using answer = transcript;
};

/** What the streams of an answer have in common: it is put together while its chunks are handed out, by any of
    the functions, which may be mixed. */
template <class Chunk>
class REGOLO_EXPORT answer_stream : public basic_stream<Chunk>
{
public:
    using chunk_type = Chunk;
    using answer_type = typename stream_traits<Chunk>::answer;

    answer_stream() = default;

    /** The text that the next chunks add to choice 0: never empty, chunks that add none are passed over. Nothing at
        the end. Everything else is as for `next()`. */
    [[nodiscard]] boost::asio::awaitable<std::optional<std::string>> next_text();

    /// The text of choice 0 as far as it has been handed out, also after an error. Costs nothing; valid until the
    /// next call of another member.
    [[nodiscard]] std::string_view text() const noexcept;

    /// The answer as far as it has been handed out, also after an error. A copy.
    [[nodiscard]] answer_type partial() const;

    /** The whole answer, once the stream has ended as it should: what a call without streaming returns. A copy; of an
        rvalue (`std::move(stream).final()`) moved out, after which `text()` and `partial()` are empty.

        @par Errors  `errc::stream_open` while the stream has not ended; after an error or `close()` what `next()` throws
    */
    [[nodiscard]] answer_type final() const&;
    [[nodiscard]] answer_type final() &&;

    /** Reads on without handing anything out, to learn how the answer ends: its finish reason and usage. After `limit`
        the stream is closed.

        @param limit  for all of it; zero takes what has arrived and closes
        @returns      the answer as far as it is known then. Its usage is unset if it was not reached: unknown, not zero.
                      `ended_as()` tells an answer that was reached whole (`done`, `finished`) from one that was cut (`closed`)
        @par Errors       as `next()`, but nothing is tried again; what had arrived stays in `partial()`. On a stream that
                          has ended already: the answer, or again what ended it
        @par Cancellation as that of `next()`: the stream ends, the connection closes, `partial()` stays
    */
    [[nodiscard]] boost::asio::awaitable<answer_type> finish(std::chrono::nanoseconds limit);

protected:
    using basic_stream<Chunk>::basic_stream;
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
class REGOLO_EXPORT chat_stream : public detail::answer_stream<chat_chunk>
{
public:
    chat_stream() = default;

    /** The next thing that the answer tells, or nothing at the end; otherwise as `next()`.

        The pieces of one chunk come one after the other, choice by choice in the order of the chunk; of each choice the
        reasoning, the content, the refusal, the tool calls and the finish reason; the usage at last. Those that are still
        to come are not forgotten by a `next()` or `next_text()` in between, which go on with the next chunk.
        `text()` and `partial()` have the whole chunk from its first piece on.
    */
    [[nodiscard]] boost::asio::awaitable<std::optional<stream_piece>> next_piece();

private:
    using answer_stream::answer_stream;
    friend struct detail::stream_access;
};

/// The chunks of a streamed completion; used as `chat_stream` is.
class REGOLO_EXPORT completion_stream : public detail::answer_stream<completion_chunk>
{
public:
    completion_stream() = default;

private:
    using answer_stream::answer_stream;
    friend struct detail::stream_access;
};

/** The transcript of a recording as it grows; used as `chat_stream` is, with `text()` for that of the transcript.

    Understands the events of OpenAI, the chunks of vLLM, and pieces such as `{"text": "..."}`. A server that answers with the
    whole transcript instead of a stream gives one chunk.
*/
class REGOLO_EXPORT transcript_stream : public detail::answer_stream<transcript_chunk>
{
public:
    transcript_stream() = default;

private:
    using answer_stream::answer_stream;
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
extern template class detail::basic_stream<transcript_chunk>;
extern template class detail::basic_stream<server_event>;
extern template class detail::answer_stream<chat_chunk>;
extern template class detail::answer_stream<completion_chunk>;
extern template class detail::answer_stream<transcript_chunk>;

}  // namespace regolo::inline v0
