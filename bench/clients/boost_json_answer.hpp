#pragma once

#include "clients/answer_reader.hpp"

#include <boost/json.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace regolo::bench {

/// Boost.JSON's `parse`, into memory that is let go of at once, as its documentation advises.
struct boost_json_text
{
    static constexpr std::size_t padding = 0;

    static std::uint64_t chunk(std::string_view data, std::size_t)
    {
        std::uint64_t bytes = 0;
        std::array<unsigned char, 4096> storage;
        boost::json::monotonic_resource memory(storage.data(), storage.size());
        const auto chunk = boost::json::parse(data, &memory);
        for (const auto& choice : chunk.at("choices").as_array())
        {
            const auto& delta = choice.at("delta").as_object();
            if (const auto* text = delta.if_contains("content"))
                bytes += text->as_string().size();
            if (const auto* calls = delta.if_contains("tool_calls"))
            {
                for (const auto& call : calls->as_array())
                    bytes += call.at("function").at("arguments").as_string().size();
            }
        }
        return bytes;
    }

    static std::uint64_t answer(const std::string& text)
    {
        std::uint64_t bytes = 0;
        boost::json::monotonic_resource memory;
        const auto answer = boost::json::parse(text, &memory);
        for (const auto& choice : answer.at("choices").as_array())
            bytes += choice.at("message").at("content").as_string().size();
        return bytes;
    }

    static std::uint64_t embeddings(const std::string& text)
    {
        std::uint64_t bytes = 0;
        boost::json::monotonic_resource memory;
        const auto answer = boost::json::parse(text, &memory);
        for (const auto& each : answer.at("data").as_array())
        {
            std::vector<float> values;
            for (const auto& value : each.at("embedding").as_array())
                values.push_back(value.to_number<float>());
            bytes += values.size() * sizeof(float);
        }
        return bytes;
    }
};

using boost_json_answer = answer_reader<boost_json_text>;

}  // namespace regolo::bench
