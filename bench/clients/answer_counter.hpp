#pragma once

#include "clients/report.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <strings.h>

namespace regolo::bench {

/** Finds the end of an answer and counts its events, and looks at nothing else: what the floors do with what they read.

    Events are counted by their blank lines: "\n\n" stands nowhere else in these answers. */
class answer_counter
{
public:
    answer_counter(bool streams, counts& into) : streams_(streams), counts_(into) {}

    /// @returns whether the answer is complete, and the next one expected
    bool push(std::string_view bytes)
    {
        if (in_head_)
        {
            bytes = take_head(bytes);
            if (in_head_)
                return false;
        }
        if (streams_)
            count_events(bytes);
        if (!(chunked_ ? ends_chunks(bytes) : ends_length(bytes)))
            return false;
        if (streams_)
            --counts_.chunks;  // [DONE]
        ++counts_.requests;
        in_head_ = true;
        last_ = 0;
        tail_ = {};
        return true;
    }

private:
    static constexpr std::string_view last_chunk = "\r\n0\r\n\r\n";

    /// @returns what is not of the head
    std::string_view take_head(std::string_view bytes)
    {
        auto head = bytes;
        if (!head_.empty())
            head = head_.append(bytes);
        const auto end = head.find("\r\n\r\n");
        if (end == std::string_view::npos)
        {
            if (head_.empty())
                head_ = bytes;
            return {};
        }
        read_head(head.substr(0, end + 2));
        in_head_ = false;
        const auto rest = head.size() - end - 4;
        head_.clear();
        return bytes.substr(bytes.size() - rest);
    }

    void read_head(std::string_view head)
    {
        static constexpr std::string_view name = "content-length: ";
        if (!head.starts_with("HTTP/1.1 200 "))
            throw std::runtime_error("not a success: " + std::string(head));
        chunked_ = true;
        for (auto line = head.find('\n') + 1; line < head.size(); line = head.find('\n', line) + 1)
        {
            const auto field = head.substr(line);
            if (::strncasecmp(field.data(), name.data(), std::min(name.size(), field.size())) != 0)
                continue;
            chunked_ = false;
            std::from_chars(field.data() + name.size(), field.data() + field.size(), left_);
        }
    }

    void count_events(std::string_view bytes)
    {
        if (bytes.empty())
            return;
        std::size_t found = last_ == '\n' && bytes.front() == '\n' ? 1 : 0;
        const char* at = bytes.data();
        const char* const last = at + bytes.size() - 1;
        // Of a constant length, and counted in a byte, so that the compiler takes a vector at a time.
        constexpr int block = 32;
        for (; last - at >= block; at += block)
        {
            unsigned char here = 0;
            for (int i = 0; i != block; ++i)
                here = static_cast<unsigned char>(here + ((at[i] == '\n') & (at[i + 1] == '\n')));
            found += here;
        }
        for (; at != last; ++at)
            found += at[0] == '\n' && at[1] == '\n' ? 1 : 0;
        last_ = *last;
        counts_.chunks += found;
    }

    bool ends_length(std::string_view bytes)
    {
        if (bytes.size() > left_)
            throw std::runtime_error("more than the answer");
        left_ -= bytes.size();
        return left_ == 0;
    }

    bool ends_chunks(std::string_view bytes)
    {
        if (bytes.size() >= tail_.size())
            bytes.copy(tail_.data(), tail_.size(), bytes.size() - tail_.size());
        else
        {
            std::copy(tail_.begin() + static_cast<std::ptrdiff_t>(bytes.size()), tail_.end(),
                      tail_.begin());
            std::copy(bytes.begin(), bytes.end(),
                      tail_.end() - static_cast<std::ptrdiff_t>(bytes.size()));
        }
        return std::string_view(tail_.data(), tail_.size()) == last_chunk;
    }

    const bool streams_;
    counts& counts_;
    std::string head_;  // as far as it has come, when it comes in parts
    bool in_head_ = true;
    bool chunked_ = false;
    std::size_t left_ = 0;  // of a body with a length
    char last_ = 0;         // of the bytes before
    std::array<char, last_chunk.size()>
        tail_{};  // the last bytes, in which the last chunk may begin
};

}  // namespace regolo::bench
