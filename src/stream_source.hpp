#pragma once

#include "core/http_message.hpp"
#include "net/world.hpp"

#include <regolo/answer_doubts.hpp>
#include <regolo/error.hpp>
#include <regolo/metadata.hpp>
#include <regolo/options.hpp>
#include <regolo/usage.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <span>
#include <stop_token>
#include <string_view>

namespace regolo::inline v0::detail {

/// What is said of a call whose `call_options::stop` has asked for its end.
inline constexpr const char* stopped_by_token = "stopped by call_options::stop";

/// What an answer told, for the last event of its call.
struct call_outcome
{
    std::string_view finish_reason;
    std::string_view model;
    const regolo::usage* usage = nullptr;
};

/// What a stream finds when it takes bytes.
enum class feed_state
{
    bytes,
    end,
    wait,
    failed
};

/// Where the body of a stream comes from: a call, or, in tests of programs, memory. One caller at a time.
class stream_source
{
public:
    virtual ~stream_source() = default;

    /// The head, of which nothing is kept but `metadata()`. Once for each answer.
    [[nodiscard]] virtual core::response_head take_head() noexcept = 0;
    /// What the last read has brought of the body, once: valid until the next `wait_body` or `reopen`, or the end. With `bytes`
    /// at least one piece.
    virtual feed_state take(std::span<const std::string_view>& pieces) = 0;
    /// Why `take` says failed.
    [[nodiscard]] virtual error_info failure() = 0;
    /// Waits for more; with a limit, throws `errc::wait_timeout` and leaves the read running.
    virtual boost::asio::awaitable<void> wait_body(std::chrono::nanoseconds limit,
                                                   bool first_event) = 0;
    /// Goes on after an answer that began as a success and was none, or throws `failure`.
    virtual boost::asio::awaitable<void> reopen(error_info failure) = 0;
    virtual void saw_first_event() = 0;
    /// A chunk was handed out: `reopen` is not called any more.
    virtual void commit() noexcept = 0;

    // ---- the end; only the first counts

    /// The answer is complete.
    virtual void succeed(const call_outcome& result) = 0;
    /// Ends with an error, which is returned complete.
    virtual error_info fail(error_info info, const call_outcome& result) = 0;
    /// Ends from outside, from any thread.
    virtual void stop(boost::system::error_code code, const char* why) noexcept = 0;
    /// The caller has lost interest.
    virtual void drop(const call_outcome& result) noexcept = 0;

    [[nodiscard]] virtual regolo::metadata& metadata() noexcept = 0;
    [[nodiscard]] virtual net::clock::time_point now() const noexcept = 0;
    [[nodiscard]] virtual const regolo::limits& bounds() const noexcept = 0;
    /// Tells that the caller wants the end. From then on nothing that has arrived is handed out.
    [[nodiscard]] virtual std::stop_token stop_token() const noexcept { return {}; }
    /// What makes an answer that has ended a failure.
    [[nodiscard]] virtual answer_doubts fail_on() const noexcept { return {}; }
};

}  // namespace regolo::inline v0::detail
