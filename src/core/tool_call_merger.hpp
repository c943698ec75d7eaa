#pragma once

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
    /// @param calls  where they are kept; see `moved_to`
    explicit tool_call_merger(std::vector<tool_call>& calls) noexcept : calls_(&calls) {}

    /// The pieces of one chunk.
    void add(const std::vector<tool_call_delta>& deltas);

    /// The calls live in that vector now.
    void moved_to(std::vector<tool_call>& calls) noexcept { calls_ = &calls; }

private:
    /// @param first  in its chunk: a further one with a name is another call
    void add(const tool_call_delta& delta, bool first);
    // Makes room for a new call; returns its position.
    std::size_t insert(const std::optional<std::int64_t>& index);
    // The position of the call that the delta belongs to; behind the last one for a new call.
    [[nodiscard]] std::size_t find(const tool_call_delta& delta, bool first) const;
    // Without index and id a whole call after a whole one can only be told by its look.
    [[nodiscard]] bool begins_anew(const tool_call_delta& delta) const noexcept;

    std::vector<tool_call>* calls_;
    std::vector<std::int64_t> indices_;  // of the calls; one without has that of the call before it
    std::size_t last_ = 0;               // the call that began last
    std::unordered_map<std::int64_t, std::size_t> of_index_;  // the last call of that index
    std::unordered_map<std::string, std::size_t> of_id_;      // the first of that id
};

}  // namespace regolo::core
