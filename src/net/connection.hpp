#pragma once

#include "core/base_url.hpp"
#include "net/http_reader.hpp"
#include "net/tls_failure.hpp"
#include "net/world.hpp"

#include <regolo/close_reason.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace regolo::net {

/// A connection that stands, with what the pool and the exchanges on it need to know.
struct connection
{
    connection(std::unique_ptr<byte_stream> bytes, std::size_t head_limit)
        : stream(std::move(bytes)), reader(head_limit)
    {}

    std::unique_ptr<byte_stream> stream;
    http_reader reader;
    std::uint64_t id = 0;  // from 1 upwards within a client
    clock::time_point opened;
    clock::time_point aged_at;  // when it is too old to be used again
    clock::time_point idle_since;
    bool is_watched = false;      // while it is idle
    std::uint64_t exchanges = 0;  // requests begun on it
    std::optional<std::chrono::nanoseconds> resolve_time;
    std::optional<std::chrono::nanoseconds> connect_time;
    std::optional<std::chrono::nanoseconds> tls_time;
    bool tls_resumed = false;
    certificate_demand demand = certificate_demand::none;

    // The pool's.
    std::string_view origin;  // such as "https://api.regolo.ai"
    close_reason closed_for{};
    std::shared_ptr<connection> next_doomed;
};

}  // namespace regolo::net
