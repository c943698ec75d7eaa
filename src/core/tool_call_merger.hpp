#pragma once

#include "core/undo_log.hpp"

#include <regolo/chat.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace regolo::core {

/** Tells the tool calls of one choice apart and puts their pieces together: by index, else by id, else
    the last one goes on. An index that comes with another id begins another call, since some servers
    number all of them 0. The calls are in the order of their index, as in a whole answer. */
class tool_call_merger
{
public:
    /** The pieces of one chunk.
        @param done   as in json_merge.hpp
        @param calls  always the same ones, wherever they are */
    void add(undo_log& done, std::vector<tool_call>& calls,
             const std::vector<tool_call_delta>& deltas);

private:
    using call_list = std::vector<tool_call>;

    /// @param first  in its chunk: a further one with a name is another call
    void add(undo_log& done, call_list& calls, const tool_call_delta& delta, bool first);
    // Inserts a new call; returns its position.
    std::size_t insert(undo_log& done, call_list& calls, const std::optional<std::int64_t>& index);
    void take_out(call_list& calls, std::size_t position, std::size_t last) noexcept;
    void set_index(undo_log& done, std::int64_t index, std::size_t position);
    void set_id(undo_log& done, const std::string& id, std::size_t position);
    // The position of the call that the delta belongs to; behind the last one for a new call.
    [[nodiscard]] std::size_t find(const call_list& calls, const tool_call_delta& delta,
                                   bool first) const;
    // Without index and id a whole call after a whole one can only be told by its look.
    [[nodiscard]] bool begins_anew(const call_list& calls,
                                   const tool_call_delta& delta) const noexcept;

    std::vector<std::int64_t> indices_;  // of the calls; one without has that of the call before it
    std::size_t last_ = 0;               // the call that began last
    std::unordered_map<std::int64_t, std::size_t> of_index_;  // the last call of that index
    std::unordered_map<std::string, std::size_t> of_id_;      // the first of that id
};

}  // namespace regolo::core
