#pragma once

#include "core/kept_failure.hpp"
#include "core/stream_decoder.hpp"

#include <string>
#include <string_view>

namespace regolo::core {

/// The body as it comes, for streams of bytes.
template <>
class stream_decoder<std::string>
{
public:
    explicit stream_decoder(const limits&) noexcept {}

    void start(const response_head&) noexcept
    {
        bytes_ = {};
        complete_ = false;
    }
    void push(std::string_view bytes) noexcept { bytes_ = bytes; }
    void end_of_body() noexcept { complete_ = true; }
    [[nodiscard]] static constexpr bool wants_more() noexcept { return false; }

    stream_step pull(std::string& out)
    {
        if (!bytes_.empty())
        {
            out.assign(bytes_);
            bytes_ = {};
            seen_event_ = true;
            return stream_step::chunk;
        }
        return complete_ ? stream_step::ended : stream_step::need_more;
    }

    [[nodiscard]] stream_end ended_as() const noexcept { return stream_end::finished; }
    /// None: all bytes are good.
    [[nodiscard]] static const error_info& failure() noexcept { return kept_failure::no_failure(); }
    [[nodiscard]] static constexpr bool repeats() noexcept { return false; }
    [[nodiscard]] bool seen_event() const noexcept { return seen_event_; }
    [[nodiscard]] std::string_view finish_reason() const noexcept { return {}; }
    [[nodiscard]] static const usage* last_usage() noexcept { return nullptr; }
    [[nodiscard]] std::string_view model() const noexcept { return {}; }

private:
    std::string_view bytes_;
    bool complete_ = false;
    bool seen_event_ = false;
};

}  // namespace regolo::core
