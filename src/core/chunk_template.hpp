#pragma once

#include <regolo/chat.hpp>
#include <regolo/completion.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace regolo::core {

/// A text of a delta in a chunk.
struct text_place
{
    enum class field
    {
        content,  // of a completion, its text
        reasoning,
        refusal,
        arguments,  // of a tool call
    };
    std::size_t choice = 0;
    std::size_t call = 0;  // with `arguments`
    field which = field::content;
};

/** Reads events that are those before them but for one text, as nearly all events of a stream are: around the text of the delta
    everything repeats byte for byte, and to compare it is a small part of the work of reading it.

    Which text it is shows where two events differ. That it is the text of a delta, and that nothing else changes with it, is
    found out by having such an event read the plain way with a mark in the text's place (`propose`, `accept`). So what
    is read here is what the plain way reads; whatever is not sure is left to that way.
*/
template <class Chunk>
class chunk_template
{
public:
    /** Reads an event's data into `out`, replacing what it held and reusing its memory.
        @returns  false where it is another kind of event; `out` is as it was */
    bool read(std::string_view event, Chunk& out);

    /** Reads the event that stands in front of the bytes of an event stream, if it is framed as most are, with a line "data: "
        and an empty one. Its data must be valid UTF-8, and is checked for that.
        @param most  bytes of data
        @returns     the bytes that it takes; 0 where it is another kind of event or not there as a whole */
    std::size_t read_front(std::string_view stream, std::size_t most, Chunk& out);

    /** Compares an event that was read the plain way with the one before it.
        @returns  an event to read the plain way, too, and to give to `accept`; empty for none */
    [[nodiscard]] std::string propose(std::string_view event);

    /// What the plain way made of the proposed event.
    void accept(Chunk&& marked);

    /// Forgets everything.
    void reset() noexcept;

private:
    /// Events that differ in that text alone.
    struct shape
    {
        std::string
            before;  // "data: " and what stands before the text, with the opening quotation mark
        std::string after;  // and behind it, from the closing one on, with the line breaks
        Chunk chunk;        // such an event with an empty text
        text_place where;
        bool is_plain = false;  // it says nothing but the text
    };

    bool is_due() noexcept;
    void fill(std::string_view text, bool has_escapes, Chunk& out);
    [[nodiscard]] std::string& make_ready(Chunk& out) const;

    // Many streams wait at a time, most of them for their first chunk or of other kinds of events.
    std::unique_ptr<shape> known_;
    std::unique_ptr<shape> proposed_;
    std::string last_;         // the event that was compared last
    unsigned pause_ = 0;       // events to let pass before the next comparison
    unsigned next_pause_ = 0;  // grows while comparisons lead to nothing
};

extern template class chunk_template<chat_chunk>;
extern template class chunk_template<completion_chunk>;

}  // namespace regolo::core
