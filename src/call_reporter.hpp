#pragma once

#include "core/base_url.hpp"
#include "net/exchange.hpp"
#include "prepare.hpp"
#include "stream_source.hpp"

#include <regolo/call_options.hpp>
#include <regolo/observer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace regolo::inline v0::detail {

/** Tells the client's observer, if it has one, how a call goes on. Counts what the events tell.

    Nothing of the server's words and of the answer's text reaches the observer.
*/
class call_reporter final : public net::exchange_listener
{
public:
    /// All of them must outlive it.
    call_reporter(const client_state& client, const call_plan& plan, const call_options& options,
                  const std::string& call_id);

    /// Where the request goes, once that is known.
    void set_origin(const core::origin& where);

    [[nodiscard]] int attempts() const noexcept { return attempts_; }
    void count_attempt() noexcept { ++attempts_; }
    void count_received(std::uint64_t bytes) noexcept { bytes_received_ += bytes; }
    [[nodiscard]] std::chrono::nanoseconds since_start() const noexcept;

    void started() noexcept;
    void retry_planned(const error_info& reason, std::chrono::nanoseconds delay) const;
    void stale_replay(const error_info& reason) const;
    void head_received(const metadata& told) const noexcept;
    void first_event(std::chrono::nanoseconds since_head) const noexcept;
    /// @param failure  null: none
    /// @param redact   takes out of a text what must not be told, should the answer repeat it
    void ended(const error_info* failure, const call_outcome& result, bool dropped, int status,
               const std::function<void(std::string&)>& redact) noexcept;

private:
    void on_queued() noexcept override;
    void on_connected(const net::connection& used, bool reused,
                      std::chrono::nanoseconds queued) noexcept override;
    void on_sent(const net::connection& used, std::uint64_t body_bytes) noexcept override;

    [[nodiscard]] call_event event() const noexcept;

    /// Who is told, and what of it is the same in each event.
    struct audience
    {
        observer& watch;
        std::string path;
        std::string model;
        core::origin origin;
    };

    const client_state& client_;
    const call_plan& plan_;
    const call_options& options_;
    const std::string& call_id_;
    const std::unique_ptr<audience> audience_;  // null: nobody
    const net::clock::time_point began_;
    int attempts_ = 0;
    std::uint64_t bytes_sent_ = 0;
    std::uint64_t bytes_received_ = 0;
};

}  // namespace regolo::inline v0::detail
