#pragma once

#include "core/chunk_template.hpp"
#include "core/fast_paths.hpp"
#include "core/json_text.hpp"
#include "core/surrogate_joiner.hpp"

#include <regolo/api_request.hpp>
#include <regolo/chat.hpp>
#include <regolo/completion.hpp>
#include <regolo/error.hpp>
#include <regolo/options.hpp>
#include <regolo/shared_string.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace regolo::core {

/** Reads the data of stream events into chunks.

    Keeps what one event needs from those before it: a high surrogate that ended a delta, which belongs to the low
    one that opens the next delta of the same choice and field.
*/
template <class Chunk>
class chunk_decoder
{
public:
    explicit chunk_decoder(const limits& bounds)
        : parser_(bounds), max_index_(bounds.index), is_fast_(fast_paths)
    {}

    /** Reads one event into `out`, replacing what it held and reusing its memory. A whole answer is read as
        a chunk that has all of it.
        Fails with the API's error where the event is an error frame (`error_info::server_message` and so on), else with
        `errc::bad_response`, or `errc::too_large` for too much nesting; texts never repeat the payload.
        What is kept for the next event counts from `commit` on: until then, the event can be read once more. */
    result<void> decode(std::string_view data, Chunk& out);

    /** Reads the event in front of an event stream's bytes, where that is quickly done.
        @returns  the bytes that it takes; 0 where it has to be parsed and decoded */
    std::size_t decode_front(std::string_view stream, std::size_t most, Chunk& out)
    {
        has_next_ = false;
        return is_fast_ && joiner_.empty() ? template_.read_front(stream, most, out) : 0;
    }

    /// The event that was read last is done with.
    void commit() noexcept;

    /// Whether JSON that was decoded is an answer to a call without streaming, which is complete as it is.
    [[nodiscard]] bool is_whole_answer(std::string_view data);

    /// At the end of the stream: writes what waited for its other half, if anything did.
    /// @throws std::bad_alloc  and it still waits
    bool release(Chunk& out);

    /// Starts a new stream.
    void reset() noexcept
    {
        joiner_.clear();
        template_.reset();
        shared_.fill({});
        has_next_ = false;
    }

private:
    result<void> read(std::string_view data, Chunk& out);
    void lend_texts(Chunk& out) const noexcept;
    void keep_texts(Chunk& read) noexcept;
    [[nodiscard]] error_info read_error(json_view frame) const;
    void learn(std::string_view data);
    void join_surrogates(Chunk& out);
    void replace_others(Chunk& out) const;

    json_parser parser_;
    std::size_t max_index_;
    bool is_fast_;
    chunk_template<Chunk> template_;
    std::array<shared_string, 5> shared_;  // what chunks that were new had last
    surrogate_joiner joiner_;
    surrogate_joiner next_;  // what it is after the event, where that changes it
    bool has_next_ = false;
};

extern template class chunk_decoder<chat_chunk>;
extern template class chunk_decoder<completion_chunk>;

}  // namespace regolo::core
