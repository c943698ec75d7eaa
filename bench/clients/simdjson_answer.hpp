#pragma once

#include "clients/answer_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <simdjson.h>
#include <string>
#include <string_view>
#include <vector>

namespace regolo::bench {

/// simdjson's On-Demand front end, as its documentation advises: one parser for all answers, no copies, and each field taken
/// in the order in which it comes.
struct simdjson_text
{
    static constexpr std::size_t padding = simdjson::SIMDJSON_PADDING;

    static std::uint64_t chunk(std::string_view data, std::size_t readable)
    {
        std::uint64_t bytes = 0;
        auto chunk = parser().iterate(data.data(), data.size(), readable);
        for (auto choice : chunk["choices"])
        {
            for (auto field : choice["delta"].get_object())
            {
                if (field.key() == "content")
                    bytes += field.value().get_string().value().size();
                else if (field.key() == "tool_calls")
                {
                    for (auto call : field.value())
                        bytes += call["function"]["arguments"].get_string().value().size();
                }
            }
        }
        return bytes;
    }

    static std::uint64_t answer(std::string& text)
    {
        std::uint64_t bytes = 0;
        auto answer = padded(text);
        for (auto choice : answer["choices"])
            bytes += choice["message"]["content"].get_string().value().size();
        return bytes;
    }

    static std::uint64_t embeddings(std::string& text)
    {
        std::uint64_t bytes = 0;
        auto answer = padded(text);
        for (auto each : answer["data"])
        {
            std::vector<float> values;
            for (auto value : each["embedding"])
                values.push_back(static_cast<float>(value.get_double().value()));
            bytes += values.size() * sizeof(float);
        }
        return bytes;
    }

private:
    /// On-Demand's documents point into their parser, one at a time: all answers of a thread can share it.
    static simdjson::ondemand::parser& parser()
    {
        static simdjson::ondemand::parser one;
        return one;
    }

    static simdjson::ondemand::document padded(std::string& text)
    {
        text.reserve(text.size() + padding);
        return parser().iterate(text);
    }
};

using simdjson_answer = answer_reader<simdjson_text>;

}  // namespace regolo::bench
