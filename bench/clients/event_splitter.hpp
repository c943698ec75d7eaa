#pragma once

#include <string>
#include <string_view>

namespace regolo::bench {

/// Makes events of the pieces of a stream, as plain programs do it: a buffer, and a search for the blank line.
class event_splitter
{
public:
    /// Calls `on_data(bytes, readable)` with the data of each event but [DONE]; as many bytes as `readable` says can be read
    /// from there on, and `padding` at least that many more than the data has.
    template <class F>
    void push(std::string_view piece, std::size_t padding, F&& on_data)
    {
        static constexpr std::string_view field = "data: ";
        buffer_.append(piece);
        buffer_.reserve(buffer_.size() + padding);
        const std::string_view all = buffer_;
        std::size_t begin = 0;
        for (auto end = all.find("\n\n"); end != std::string_view::npos;
             end = all.find("\n\n", begin))
        {
            const auto event = all.substr(begin, end - begin);
            begin = end + 2;
            if (event.starts_with(field) && event != "data: [DONE]")
            {
                const auto data = event.substr(field.size());
                on_data(data,
                        buffer_.capacity() - static_cast<std::size_t>(data.data() - all.data()));
            }
        }
        buffer_.erase(0, begin);
    }

private:
    std::string buffer_;
};

}  // namespace regolo::bench
