#pragma once

#include "core/find_doubts.hpp"

#include <cstddef>
#include <list>
#include <utility>

namespace regolo::inline v0::detail {

/// The chunks at the beginning of a stream that say nothing, held back so that an empty answer can be asked for again.
template <class Chunk>
class held_chunks
{
public:
    /// Begins anew.
    void start(bool holds)
    {
        chunks_.clear();
        holds_ = holds;
    }

    /// Whether the chunk has to wait, which moves it here; the first one that says something lets all of them go.
    bool keep(Chunk& chunk)
    {
        if constexpr (requires { core::says_something(chunk); })
        {
            if (holds_)
                holds_ = chunks_.size() < most && !core::says_something(chunk);
        }
        if (!holds_ && chunks_.empty())
            return false;
        chunks_.push_back(std::move(chunk));
        return true;
    }

    /// Nothing is held any more.
    void let_go() noexcept { holds_ = false; }

    /// The next one that has been let go.
    bool pull(Chunk& out)
    {
        if (holds_ || chunks_.empty())
            return false;
        out = std::move(chunks_.front());
        chunks_.pop_front();
        return true;
    }

private:
    static constexpr std::size_t most = 64;

    std::list<Chunk> chunks_;  // which takes no memory while it is empty
    bool holds_ = false;
};

}  // namespace regolo::inline v0::detail
