#include "stream_state.hpp"

#include <regolo/json.hpp>
#include <regolo/testing/make_stream.hpp>

#include <boost/asio/error.hpp>
#include <boost/json/serialize.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace regolo::inline v0::testing {

namespace {

namespace asio = boost::asio;

/// A body that is there from the beginning.
class memory_source final : public detail::stream_source
{
public:
    memory_source(std::string body, std::optional<error_info> failure)
        : body_(std::move(body)), failure_(std::move(failure))
    {
        head_.status = 200;
        head_.headers.emplace_back("content-type", "text/event-stream");
        metadata_.status = 200;
        metadata_.attempts = 1;
        metadata_.headers = head_.headers;
    }

    core::response_head take_head() noexcept override { return std::move(head_); }

    detail::feed_state take(std::span<const std::string_view>& pieces) override
    {
        if (stopped_)
            return detail::feed_state::failed;
        if (!std::exchange(taken_, true))
        {
            pieces = {&piece_, 1};
            return detail::feed_state::bytes;
        }
        return failure_ ? detail::feed_state::failed : detail::feed_state::end;
    }

    error_info failure() override { return failure_.value_or(error_info()); }

    // There is never more.
    asio::awaitable<void> wait_body(std::chrono::nanoseconds, bool) override { co_return; }
    asio::awaitable<void> reopen(error_info failure) override
    {
        throw error(std::move(failure));
        co_return;
    }
    void saw_first_event() override {}
    void commit() noexcept override {}

    void succeed(const detail::call_outcome& result) override { metadata_.model = result.model; }
    error_info fail(error_info info, const detail::call_outcome&) override { return info; }
    void stop(boost::system::error_code code, const char* why) noexcept override
    {
        stopped_ = true;
        if (!failure_)
            failure_.emplace();
        failure_->code = code;
        failure_->message = why;
    }
    void drop(const detail::call_outcome&) noexcept override {}

    regolo::metadata& metadata() noexcept override { return metadata_; }
    net::clock::time_point now() const noexcept override { return {}; }
    const regolo::limits& bounds() const noexcept override { return bounds_; }

private:
    std::string body_;
    std::string_view piece_ = body_;
    std::optional<error_info> failure_;
    core::response_head head_;
    regolo::metadata metadata_;
    regolo::limits bounds_;
    bool taken_ = false;
    bool stopped_ = false;
};

template <class Stream, class Chunk>
Stream make(const std::vector<Chunk>& chunks, stream_end end, std::optional<error_info> failure)
{
    if (end != stream_end::done && end != stream_end::finished && !failure)
        throw std::invalid_argument(
            "make_stream: a stream ends as done, finished or with an error");
    std::string body;
    for (const auto& chunk : chunks)
        body.append("data: ").append(boost::json::serialize(to_json(chunk))).append("\n\n");
    if (end == stream_end::done && !failure)
        body += "data: [DONE]\n\n";
    return detail::stream_access::make<Stream>(
        std::make_shared<memory_source>(std::move(body), std::move(failure)));
}

}  // namespace

chat_stream make_stream(const std::vector<chat_chunk>& chunks, stream_end end)
{
    return make<chat_stream>(chunks, end, std::nullopt);
}

completion_stream make_stream(const std::vector<completion_chunk>& chunks, stream_end end)
{
    return make<completion_stream>(chunks, end, std::nullopt);
}

chat_stream make_stream(const std::vector<chat_chunk>& chunks, error_info failure)
{
    return make<chat_stream>(chunks, stream_end::failed, std::move(failure));
}

completion_stream make_stream(const std::vector<completion_chunk>& chunks, error_info failure)
{
    return make<completion_stream>(chunks, stream_end::failed, std::move(failure));
}

chat_chunk make_chunk(std::string_view text, std::string_view finish_reason)
{
    chat_chunk chunk;
    chunk.object = "chat.completion.chunk";
    auto& choice = chunk.choices.emplace_back();
    choice.delta.content = std::string(text);
    choice.finish_reason = finish_reason;
    return chunk;
}

}  // namespace regolo::inline v0::testing
