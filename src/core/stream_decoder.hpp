#pragma once

#include "core/body_reader.hpp"
#include "core/chunk_decoder.hpp"
#include "core/http_message.hpp"
#include "core/kept_failure.hpp"

#include <regolo/error.hpp>
#include <regolo/options.hpp>
#include <regolo/stream_end.hpp>

#include <boost/assert.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace regolo::core {

/// What `stream_decoder` has for its caller.
enum class stream_step
{
    need_more,  ///< push more bytes, or say that there are none
    chunk,      ///< one was written
    ended,      ///< the answer is complete: see `ended_as()`
    failed,     ///< see `failure()`
};

/** Turns the body of a successful response into chunks and decides how the stream ended. No I/O.

    @code
    decoder.start(head);
    for (;;) {
        switch (decoder.pull(chunk)) {
        case need_more: decoder.push(bytes) or decoder.end_of_body(); break;
        ...
    @endcode

    Events without data (or with JSON's null) and events named "ping" or "keepalive" are passed over. `[DONE]` ends the
    stream, whatever follows it. Chunks and errors that stand there without "data:" count as well. Other text between the
    events, such as a gateway's page, is told as the server's words where the stream turns out to be incomplete. On a body
    that is no event stream: `{` under a JSON content type is one whole answer, given as one chunk; `<` is an error that
    names the content type.

    For `server_event` the events are given as they are, also the empty ones and those named "error".
*/
template <class Chunk>
class stream_decoder
{
public:
    explicit stream_decoder(const limits& bounds);

    /// Begins a new response; forgets the last one.
    void start(const response_head& head);

    /// Adds body bytes; they are referred to until `pull` asks for more.
    void push(std::string_view bytes) noexcept
    {
        BOOST_ASSERT(front_.empty());
        if (at_front_)
            front_ = bytes;
        else
            reader_.push(bytes);
    }

    /// The body is complete. After that `pull` gives what is left and then `ended` or `failed`.
    void end_of_body() noexcept
    {
        BOOST_ASSERT(front_.empty());
        at_front_ = false;
        reader_.end_of_body();
    }

    /// True only where `pull` would need more; false tells nothing.
    [[nodiscard]] bool wants_more() const noexcept { return at_front_ && front_.empty(); }

    /// @throws std::bad_alloc  and can be called again: nothing is lost but what `out` held
    stream_step pull(Chunk& out);

    [[nodiscard]] stream_end ended_as() const noexcept { return ended_as_; }
    /// Empty unless `pull` says failed.
    [[nodiscard]] const error_info& failure() const noexcept { return failure_.value_or_empty(); }
    /// A chunk or an error has been seen (not only comments and pings), which ends the wait for the first.
    [[nodiscard]] bool seen_event() const noexcept { return seen_event_; }
    /// The chunk that was read last is the one before it with more text in the same place, and nothing else.
    [[nodiscard]] bool repeats() const noexcept { return repeats_; }
    /// The last finish reason of choice 0, the last usage and the model: for metadata and observers.
    [[nodiscard]] const std::string& finish_reason() const noexcept { return finish_reason_; }
    /// Null: none has come.
    [[nodiscard]] const usage* last_usage() const noexcept { return usage_.get(); }
    [[nodiscard]] const std::string& model() const noexcept { return model_; }

private:
    static constexpr bool is_raw = std::is_same_v<Chunk, server_event>;
    enum class choice_state : unsigned char
    {
        unseen,
        open,
        finished,
    };
    struct nothing
    {
        explicit nothing(const limits& /*bounds*/) {}
    };
    using decoder_type = std::conditional_t<is_raw, nothing, chunk_decoder<Chunk>>;

    stream_step pull_item(Chunk& out);
    std::size_t take_repeat(std::string_view bytes, Chunk& out);
    /// `need_more` where the item gives nothing.
    stream_step take(const body_item& item, Chunk& out);
    stream_step take_line(const body_item& line, Chunk& out);
    void keep_stray(std::string_view line);
    stream_step take_data(const body_item& item, Chunk& out);
    stream_step take_done(std::string_view data, Chunk& out);
    void commit(const Chunk& chunk);
    [[nodiscard]] bool goes_on(const Chunk& chunk) const noexcept;
    void note_choice(std::size_t index, bool finished) noexcept;
    stream_step conclude(Chunk& out);
    stream_step fail_incomplete();
    stream_step end(stream_end how, Chunk& out);
    stream_step fail(error_info info);
    stream_step fail(kept_failure failure) noexcept;
    stream_step fail(errc code, std::string text);

    body_reader reader_;
    decoder_type decoder_;
    // Where an event is to begin, what comes is looked at here before the reader gets it.
    std::string_view front_;
    bool at_front_ = false;
    body_item item_;
    bool has_item_ = false;  // it has not been taken yet
    int status_ = 0;
    std::uint64_t chunks_ = 0;           // given out
    std::string stray_;                  // text that is no part of an event stream, up to a limit
    std::vector<choice_state> choices_;  // by index
    std::size_t open_choices_ = 0;
    bool whole_answer_ = false;  // JSON instead of a stream, and one value so far
    bool seen_event_ = false;
    bool repeats_ = false;
    bool may_repeat_ = false;  // the last chunk was one of those that repeat
    stream_end ended_as_ = stream_end::open;
    kept_failure failure_;
    std::string finish_reason_;
    std::unique_ptr<usage> usage_;
    std::string model_;
};

extern template class stream_decoder<chat_chunk>;
extern template class stream_decoder<completion_chunk>;
extern template class stream_decoder<server_event>;

}  // namespace regolo::core
