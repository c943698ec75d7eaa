#pragma once

#include "clients/event_splitter.hpp"
#include "clients/report.hpp"

#include <boost/json.hpp>

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace regolo::bench {

/// Reads answers with Boost.JSON's `parse`, into memory that is let go of at once, as its documentation advises.
class boost_json_answer
{
public:
    boost_json_answer(const job& what, counts& into)
        : streams_(what.streams()), embeds_(what.workload == "embeddings"), counts_(into)
    {}

    /// A piece of the body.
    void push(std::string_view bytes)
    {
        if (streams_)
            events_.push(bytes, 0,
                         [this](std::string_view data, std::size_t) { take_chunk(data); });
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
    void take_chunk(std::string_view data)
    {
        ++counts_.chunks;
        std::array<unsigned char, 4096> storage;
        boost::json::monotonic_resource memory(storage.data(), storage.size());
        const auto chunk = boost::json::parse(data, &memory);
        for (const auto& choice : chunk.at("choices").as_array())
        {
            const auto& delta = choice.at("delta").as_object();
            if (const auto* text = delta.if_contains("content"))
                counts_.text_bytes += text->as_string().size();
            if (const auto* calls = delta.if_contains("tool_calls"))
            {
                for (const auto& call : calls->as_array())
                    counts_.text_bytes += call.at("function").at("arguments").as_string().size();
            }
        }
    }

    void take_whole()
    {
        boost::json::monotonic_resource memory;
        const auto answer = boost::json::parse(whole_, &memory);
        if (embeds_)
        {
            for (const auto& each : answer.at("data").as_array())
            {
                std::vector<float> values;
                for (const auto& value : each.at("embedding").as_array())
                    values.push_back(value.to_number<float>());
                counts_.text_bytes += values.size() * sizeof(float);
            }
            return;
        }
        for (const auto& choice : answer.at("choices").as_array())
            counts_.text_bytes += choice.at("message").at("content").as_string().size();
    }

    const bool streams_;
    const bool embeds_;
    counts& counts_;
    event_splitter events_;
    std::string whole_;
};

}  // namespace regolo::bench
