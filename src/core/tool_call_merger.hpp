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
    number all of them 0. While they grow, the calls are in the order in which they began: to put one before others would cost
    more with each of them. */
class tool_call_merger
{
public:
    /** The pieces of one chunk.
        @param done   as in json_merge.hpp
        @param calls  always the same ones, wherever they are */
    void add(undo_log& done, std::vector<tool_call>& calls,
             const std::vector<tool_call_delta>& deltas);

    /// Which call comes at which place in the order of their index, as a whole answer has them; empty where they are in it.
    [[nodiscard]] std::vector<std::size_t> order() const;
    /// Brings calls into such an order.
    static void arrange(std::vector<tool_call>& calls, std::vector<std::size_t> order) noexcept;

private:
    using call_list = std::vector<tool_call>;

    /// @param first  in its chunk: a further one with a name is another call
    void add(undo_log& done, call_list& calls, const tool_call_delta& delta, bool first);
    // Begins a new call; returns its position.
    std::size_t begin(undo_log& done, call_list& calls, const std::optional<std::int64_t>& index);
    void set_index(undo_log& done, std::int64_t index, std::size_t position);
    void set_id(undo_log& done, const std::string& id, std::size_t position);
    // The position of the call that the delta belongs to; behind the last one for a new call.
    [[nodiscard]] std::size_t find(const call_list& calls, const tool_call_delta& delta,
                                   bool first) const;
    // Without index and id a whole call after a whole one can only be told by its look.
    [[nodiscard]] bool begins_anew(const call_list& calls,
                                   const tool_call_delta& delta) const noexcept;

    std::vector<std::int64_t> indices_;  // of the calls; one without comes behind all others
    std::int64_t highest_ = 0;           // of them
    std::size_t last_ = 0;               // the call that began last
    std::unordered_map<std::int64_t, std::size_t> of_index_;  // the last call of that index
    std::unordered_map<std::string, std::size_t> of_id_;      // the first of that id
};

}  // namespace regolo::core
