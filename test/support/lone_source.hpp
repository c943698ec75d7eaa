#pragma once

#include "stream_source.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <utility>

namespace regolo::test {

/// Where the body of a stream comes from that belongs to no call: there is nobody to tell, no time, and no other attempt.
class lone_source : public detail::stream_source
{
public:
    core::response_head take_head() noexcept override { return {200, 11, {}, {}}; }
    error_info failure() override { return {}; }
    boost::asio::awaitable<void> wait_body(std::chrono::nanoseconds, bool) override
    {
        throw error(failure());
        co_return;
    }
    boost::asio::awaitable<void> reopen(error_info failure) override
    {
        throw error(std::move(failure));
        co_return;
    }
    void saw_first_event() override {}
    void commit() noexcept override {}
    void succeed(const detail::call_outcome&) override {}
    error_info fail(error_info info, const detail::call_outcome&) override { return info; }
    void stop(boost::system::error_code, const char*) noexcept override {}
    void drop(const detail::call_outcome&) noexcept override {}
    regolo::metadata& metadata() noexcept override { return metadata_; }
    [[nodiscard]] net::clock::time_point now() const noexcept override { return {}; }
    [[nodiscard]] const regolo::limits& bounds() const noexcept override { return bounds_; }

private:
    regolo::metadata metadata_;
    regolo::limits bounds_;
};

}  // namespace regolo::test
