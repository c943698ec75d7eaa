#pragma once

#include "clients/event_splitter.hpp"
#include "clients/report.hpp"

#include <simdjson.h>
#include <string>
#include <string_view>
#include <vector>

namespace regolo::bench {

/// Reads answers with simdjson's On-Demand front end, as its documentation advises: one parser for all of them, no copies, and
/// each field taken in the order in which it comes.
class simdjson_answer
{
public:
    simdjson_answer(const job& what, counts& into)
        : streams_(what.streams()), embeds_(what.workload == "embeddings"), counts_(into)
    {}

    /// A piece of the body.
    void push(std::string_view bytes)
    {
        if (streams_)
            events_.push(bytes, simdjson::SIMDJSON_PADDING,
                         [this](std::string_view data, std::size_t readable) {
                             take_chunk(data, readable);
                         });
        else
            whole_.append(bytes);
    }

    /// The body has ended.
    void finish()
    {
        if (!streams_)
            take_whole();
        whole_.clear();
        ++counts_.requests;
    }

private:
    /// On-Demand's documents point into their parser, one at a time: all answers of a thread can share it.
    static simdjson::ondemand::parser& parser()
    {
        static simdjson::ondemand::parser one;
        return one;
    }

    void take_chunk(std::string_view data, std::size_t readable)
    {
        ++counts_.chunks;
        auto chunk = parser().iterate(data.data(), data.size(), readable);
        for (auto choice : chunk["choices"])
        {
            for (auto field : choice["delta"].get_object())
            {
                if (field.key() == "content")
                    counts_.text_bytes += field.value().get_string().value().size();
                else if (field.key() == "tool_calls")
                {
                    for (auto call : field.value())
                        counts_.text_bytes +=
                            call["function"]["arguments"].get_string().value().size();
                }
            }
        }
    }

    void take_whole()
    {
        whole_.reserve(whole_.size() + simdjson::SIMDJSON_PADDING);
        auto answer = parser().iterate(whole_);
        if (embeds_)
        {
            for (auto each : answer["data"])
            {
                std::vector<float> values;
                for (auto value : each["embedding"])
                    values.push_back(static_cast<float>(value.get_double().value()));
                counts_.text_bytes += values.size() * sizeof(float);
            }
            return;
        }
        for (auto choice : answer["choices"])
            counts_.text_bytes += choice["message"]["content"].get_string().value().size();
    }

    const bool streams_;
    const bool embeds_;
    counts& counts_;
    event_splitter events_;
    std::string whole_;
};

}  // namespace regolo::bench
