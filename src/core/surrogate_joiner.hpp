#pragma once

#include <boost/json/value.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace regolo::core {

/** Joins halves of characters that a server cut over two deltas.

    A text that ends in a high surrogate waits with it for the next text of the same place, which opens with the
    low one. Texts come from `repair_json`, with stand-ins for lone surrogates.
*/
class surrogate_joiner
{
public:
    enum class field
    {
        content,
        reasoning,
        refusal,
        arguments,
        function_call
    };

    /// Where a text goes on from one chunk to the next.
    struct place
    {
        std::int64_t choice = 0;
        surrogate_joiner::field field = field::content;
        std::int64_t tool = 0;

        friend bool operator==(const place&, const place&) = default;
    };

    /** Puts characters where stand-ins are, and in front what waited for the text.
        @param has_stand_ins  otherwise what looks like one is a character of the text */
    void join(const place& where, std::string& text, bool has_stand_ins);

    [[nodiscard]] bool empty() const noexcept { return held_.empty(); }

    /// A choice that something waits for. @par Preconditions  not empty
    [[nodiscard]] std::int64_t waiting_choice() const noexcept
    {
        return held_.front().where.choice;
    }

    /// The places of that choice whose half stays alone: nothing waits there any more.
    [[nodiscard]] std::vector<place> release(std::int64_t choice);

    void clear() noexcept { held_.clear(); }

private:
    struct half
    {
        place where;
        char32_t high = 0;
    };

    [[nodiscard]] char32_t take(const place& where) noexcept;

    std::vector<half> held_;
};

/// Replaces the stand-ins in all texts of a value, names of members aside.
void replace_stand_ins(boost::json::value& json);

}  // namespace regolo::core
