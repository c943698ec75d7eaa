#pragma once

#include "clients/event_splitter.hpp"
#include "clients/report.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace regolo::bench {

/** Reads answers: events and whole bodies, whose JSON is `Json`'s matter.

    `Json` has static functions, which return the bytes of text they have found: `chunk(data, readable)`, `answer(text)` and
    `embeddings(text)`, and `padding`, as many bytes as it wants to read behind a chunk. */
template <class Json>
class answer_reader
{
public:
    answer_reader(const target& what, counts& into)
        : streams_(what.streams()), embeds_(what.workload == "embeddings"), counts_(into)
    {}

    /// A piece of the body.
    void push(std::string_view bytes)
    {
        if (!streams_)
        {
            whole_.append(bytes);
            return;
        }
        events_.push(bytes, Json::padding, [this](std::string_view data, std::size_t readable) {
            ++counts_.chunks;
            counts_.text_bytes += Json::chunk(data, readable);
        });
    }

    /// The body has ended.
    void finish()
    {
        if (!streams_)
            counts_.text_bytes += embeds_ ? Json::embeddings(whole_) : Json::answer(whole_);
        whole_.clear();
        ++counts_.requests;
    }

private:
    const bool streams_;
    const bool embeds_;
    counts& counts_;
    event_splitter events_;
    std::string whole_;
};

}  // namespace regolo::bench
