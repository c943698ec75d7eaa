#pragma once

#include "soak/accounts.hpp"
#include "soak/moving_names.hpp"

#include <regolo/client.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace regolo::soak {

namespace asio = boost::asio;

/// What all callers share.
struct workload
{
    explicit workload(accounts& all) : books(all) {}

    accounts& books;
    std::shared_ptr<moving_names> names;
    std::string ca_pem;
    std::array<std::string, 2> direct_urls;  // plain and TLS, without `names`
    std::size_t streams = 0;
    std::vector<asio::any_io_executor> executors;  // one for each thread
    std::vector<client> clients;                   // any of them is used from any thread
    std::uint64_t pace = 0;           // longest pause between the pieces of a long stream, in ms
    std::chrono::seconds silence{};   // until a silent server is given up
    std::uint64_t most_requests = 0;  // zero: no bound
    std::atomic<bool> stopping{false};
    std::atomic<std::uint64_t> callers{0};        // that have not ended
    std::atomic<std::uint64_t> stale_replays{0};  // of clients that are gone

    [[nodiscard]] bool goes_on() const
    {
        return !stopping && (most_requests == 0 || books.sums().opened < most_requests);
    }
    [[nodiscard]] client_config config(bool tls) const;
    [[nodiscard]] client make_client(const asio::any_io_executor& executor, bool tls) const;
};

/// Long streams, one after the other.
asio::awaitable<void> read_streams(workload& all, std::uint64_t seed);

/// Everything else that a client can do, in any order.
asio::awaitable<void> do_anything(workload& all, std::uint64_t seed);

/// The same for a program without coroutines, on the calling thread.
void use_background(workload& all, std::uint64_t seed);

/// Streams of which nobody reads more than the head, until they may go on.
struct late_readers
{
    late_readers(std::uint64_t count, std::uint64_t more) : pieces(count), padding(more) {}

    const std::uint64_t pieces;  // of each stream
    const std::uint64_t padding;
    std::atomic<std::uint64_t> open{0};  // their head is here, or there was an error
    std::atomic<std::uint64_t> ended{0};
    std::atomic<bool> go_on{false};
};

asio::awaitable<void> read_late(workload& all, late_readers& group, std::size_t index);

}  // namespace regolo::soak
