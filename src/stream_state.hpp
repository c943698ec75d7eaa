#pragma once

#include "core/byte_decoder.hpp"
#include "core/completion_accumulator.hpp"
#include "core/find_doubts.hpp"
#include "core/kept_failure.hpp"
#include "core/piece_cutter.hpp"
#include "core/stream_decoder.hpp"
#include "core/transcript_decoder.hpp"
#include "held_chunks.hpp"
#include "stream_source.hpp"
#include "turn.hpp"

#include <regolo/chat_accumulator.hpp>
#include <regolo/stream.hpp>
#include <regolo/try_await.hpp>

#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string_view>
#include <utility>

namespace regolo::inline v0::detail {

/** What a stream keeps of the chunks it has handed out: by default nothing.

    `add` is told where a chunk repeats the one before it, but for more text in the same place.
*/
template <class Chunk>
struct partial_answer
{
    static constexpr bool keeps = false;

    void add(const Chunk&, bool = false) {}
    [[nodiscard]] static answer_doubts doubts(std::string_view) noexcept { return {}; }
    [[nodiscard]] static std::string_view text() noexcept { return {}; }
};

template <>
struct partial_answer<chat_chunk>
{
    static constexpr bool keeps = true;

    void add(const chat_chunk& chunk, bool repeats = false)
    {
        if (!repeats)
            growing = nullptr;
        else if (growing == nullptr)
            growing = answer.find_growing_text(chunk);
        if (growing != nullptr)
            growing->append(*chunk.choices.front().delta.content);
        else
            // The decoder has checked the indices, which is all that can fail.
            static_cast<void>(answer.add(chunk));
    }
    [[nodiscard]] answer_doubts doubts(std::string_view asked) const noexcept
    {
        return answer.doubts(asked);
    }
    [[nodiscard]] std::string_view text() const noexcept { return answer.text(); }

    chat_accumulator answer{static_cast<std::size_t>(-1)};
    std::string* growing = nullptr;  // in `answer`: what chunks that repeat make longer
};

template <>
struct partial_answer<completion_chunk>
{
    static constexpr bool keeps = true;

    void add(const completion_chunk& chunk, bool = false) { answer.add(chunk); }
    [[nodiscard]] answer_doubts doubts(std::string_view asked) const noexcept
    {
        return core::find_doubts(answer.response(), asked);
    }
    [[nodiscard]] std::string_view text() const noexcept { return answer.text(); }

    core::completion_accumulator answer;
};

template <>
struct partial_answer<transcript_chunk>
{
    static constexpr bool keeps = true;

    void add(const transcript_chunk& chunk, bool = false) { answer.add(chunk); }
    [[nodiscard]] static answer_doubts doubts(std::string_view) noexcept { return {}; }
    [[nodiscard]] std::string_view text() const noexcept { return answer.text(); }

    core::transcript_accumulator answer;
};

/// Why a stream that was closed has nothing to give.
error closed_stream();

/** The inside of a stream.

    One caller at a time takes chunks from what has arrived (`advance`), which needs no lock: the connection's bytes are his
    while no read is under way. When they run out he waits for the call to read more.
*/
template <class Chunk>
struct basic_stream<Chunk>::state
{
    explicit state(std::shared_ptr<stream_source> opened)
        : source(std::move(opened)),
          decoder(source->bounds()),
          stop(source->stop_token()),
          most(partial_answer<Chunk>::keeps ? source->bounds().body
                                            : std::numeric_limits<std::size_t>::max())
    {
        begin();
    }
    ~state() { source->drop(outcome()); }

    state(const state&) = delete;
    state& operator=(const state&) = delete;

    /// Begins with the head that the source has.
    void begin();

    enum class step
    {
        chunk,
        ended,
        wait,
        failed
    };
    /// The next chunk out of what has arrived. On `failed`, `failure` says why.
    step advance(Chunk& out);
    /// A chunk is handed out.
    step deliver() noexcept;
    /// Gives the decoder the next piece of what has arrived. @returns false where that is too much: see `failure`
    bool push_piece();

    /// What a failure before the first chunk leads to.
    enum class retries
    {
        allowed,
        none
    };

    using filter = bool (*)(const Chunk&);
    static bool any(const Chunk&) noexcept { return true; }
    static bool none(const Chunk&) noexcept { return false; }

    /// A state whose turn the caller has, and which he keeps alive.
    using lent = std::reference_wrapper<state>;
    static lent lend(const std::shared_ptr<state>& self) noexcept { return *self; }

    /** The next chunk that is wanted; false at the end. Throws what ended the stream.

        @param self   takes the turn meanwhile, unless it is lent
        @param out    kept alive by the caller
        @param limit  zero for none: `errc::wait_timeout` leaves the stream whole
    */
    static boost::asio::awaitable<bool> take(std::shared_ptr<state> self, Chunk& out,
                                             std::chrono::nanoseconds limit, retries further,
                                             filter is_wanted);
    static boost::asio::awaitable<bool> take(lent self, Chunk& out, std::chrono::nanoseconds limit,
                                             retries further, filter is_wanted);

    /// The turn of a caller. @throws error  without a stream, or while another one has the turn
    static turn enter(const std::shared_ptr<state>& self);
    static turn enter(lent) noexcept { return {}; }
    static state& at(const std::shared_ptr<state>& self) noexcept { return *self; }
    static state& at(lent self) noexcept { return self; }

    /// The same for who gives no chunk.
    static boost::asio::awaitable<std::optional<Chunk>> take_new(std::shared_ptr<state> self,
                                                                 std::chrono::nanoseconds limit);

    // In one coroutine, of each kind: Asio keeps the memory of two for the next ones, and to wait takes another.
    /// @param out  null: where `fresh` is
    template <class Result, class Owner>
    static boost::asio::awaitable<Result> take_of(Owner owner, Chunk* out,
                                                  std::chrono::nanoseconds limit, retries further,
                                                  filter is_wanted);

    /// Whether the stream has ended as it should. @throws error  what ended it otherwise
    [[nodiscard]] bool has_ended() const;

    /// Ends the stream with that error and returns it complete.
    error_info settle(const error_info& info);
    /// Ends it on behalf of who has the turn.
    void give_up() noexcept;
    /// Ends it from outside. A `next()` that waits hears of it.
    void close() noexcept;

    [[nodiscard]] std::optional<error_info> find_refusal() const;
    [[nodiscard]] static error_info empty_body();
    [[nodiscard]] static error_info too_large(std::size_t most);
    [[noreturn]] void end_wait(boost::system::error_code why, std::chrono::nanoseconds limit);
    void tell_end() noexcept;
    boost::asio::awaitable<void> reopen(retries further);
    void begin_again(std::exception_ptr gone);

    [[nodiscard]] call_outcome outcome() const noexcept
    {
        return {decoder.finish_reason(), decoder.model(), decoder.last_usage()};
    }

    const std::shared_ptr<stream_source> source;
    core::stream_decoder<Chunk> decoder;
    partial_answer<Chunk> partial;
    std::atomic<bool> busy{false};  // a next() runs
    bool delivered = false;         // a chunk was handed out: no further attempt
    bool seen_event = false;
    bool tells_partial = false;  // errors carry what has arrived: there is no stream to ask
    bool refuses_empty = false;  // no bytes at all are no answer
    const std::stop_token stop;
    std::span<const std::string_view> arrived;  // pieces of the body that the decoder has not got
    std::size_t received = 0;                   // bytes of the body that it has
    const std::size_t most;                     // of them
    held_chunks<Chunk> held;
    std::unique_ptr<Chunk>
        fresh;  // on its way to who gives no chunk: two of them are more than Asio keeps of a coroutine
    std::unique_ptr<core::piece_cutter> pieces;  // of the last chunk, once they are asked for
    stream_end ended = stream_end::open;
    core::kept_failure failure;    // settled once `ended` says so
    std::function<void()> on_end;  // called once, when `ended` says so
};

/// Makes streams of calls.
struct stream_access
{
    template <class Stream>
    static Stream make(std::shared_ptr<stream_source> opened)
    {
        using state = typename Stream::state;
        return Stream(std::make_shared<state>(std::move(opened)));
    }

    template <class Stream>
    static auto& state_of(const Stream& stream)
    {
        return stream.state_;
    }
};

}  // namespace regolo::inline v0::detail
