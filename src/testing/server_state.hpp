#pragma once

#include <regolo/testing/received_request.hpp>
#include <regolo/testing/script.hpp>
#include <regolo/testing/simulation.hpp>
#include <regolo/testing/test_server.hpp>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace regolo::inline v0::testing {

/// What a server's connections and the tests share: the record of events and the queue of answers. Thread-safe, no I/O.
class server_state
{
public:
    explicit server_state(const server_options& options);

    void enqueue(script next);
    void enqueue(std::string path, script answer);
    void set_handler(std::function<script(const received_request&)> handler);

    /// The script for a connection just accepted.
    [[nodiscard]] std::optional<script> script_for_connection();

    /// The answer for a request on a connection without script.
    [[nodiscard]] script answer(const received_request& request);

    /// The answer without regard to queued scripts.
    [[nodiscard]] script default_answer(const received_request& request);

    [[nodiscard]] script simulated(const received_request& request);

    /// Counts something; `change` runs under the lock.
    template <class Change>
    void record(Change change)
    {
        {
            const std::lock_guard lock(mutex_);
            change(counts_);
            ++version_;
        }
        changed_.notify_all();
    }

    /// Numbers the request and keeps a copy of it.
    void record_request(received_request& request);
    void record_piece(std::size_t sequence);
    void record_answer(std::size_t sequence);

    [[nodiscard]] std::vector<received_request> requests() const;
    [[nodiscard]] server_counts counts() const;
    [[nodiscard]] bool wait_until(const std::function<bool()>& condition,
                                  std::chrono::milliseconds timeout) const;

private:
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::uint64_t version_ = 0;  // grows with every change
    server_counts counts_;
    std::size_t kept_requests_;
    std::deque<received_request> requests_;
    std::deque<script> scripts_;
    std::map<std::string, std::deque<script>, std::less<>> answers_;  // by path
    std::function<script(const received_request&)> handler_;

    std::mutex simulation_mutex_;  // a handler may ask the simulation while another thread does
    simulation simulation_;
};

}  // namespace regolo::inline v0::testing
