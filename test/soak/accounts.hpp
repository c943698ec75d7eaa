#pragma once

#include "soak/ledger.hpp"
#include "soak/task.hpp"

#include <regolo/error.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace regolo::soak {

/// What the caller itself did to a request, so that the error of it is no surprise.
enum class meddling
{
    none,
    stopped,  // by its stop token
    closed,   // with its client
    hurried,  // by a limit that is too short
};

/// What is known about the world that a run is in.
struct circumstances
{
    bool restarts = false;  // any connection may end at any moment
    bool chaos = false;     // and any may be slow or silent
};

/** Every request from its number to its outcome. An outcome is right, or an error that what was done to the request
    explains; anything else is on the list of complaints. Safe from any thread. */
class accounts
{
public:
    using clock = std::chrono::steady_clock;

    accounts(ledger& shared, circumstances around) : shared_(shared), around_(around) {}

    /// @param limit  by when it must have ended, by its time limits
    [[nodiscard]] task open(std::string_view work, std::uint64_t pieces, std::uint64_t interval,
                            std::uint64_t padding, std::chrono::seconds limit);

    /// The answer came whole, or the error instead. `expected`: what it should be, the task's whole text if empty.
    void settle(const task& which, const result<std::string>& got, meddling how = meddling::none,
                std::string_view expected = {});

    /// The caller let go of a stream. What it had read by then must be the beginning of the answer.
    void settle_dropped(const task& which, std::string_view read);

    struct totals
    {
        std::uint64_t opened = 0;
        std::uint64_t right = 0;
        std::uint64_t dropped = 0;
        std::uint64_t errors = 0;
        std::uint64_t complaints = 0;
    };
    [[nodiscard]] totals sums() const;
    [[nodiscard]] std::size_t open_now() const;

    /// Requests that have not ended although their limits have passed, with what they are. Each is a complaint, once.
    std::size_t complain_about_overdue();

    void complain(const std::string& what);

    /// Answers that were begun again for the same number.
    [[nodiscard]] std::uint64_t billed_again() const;

    void print(std::ostream& out) const;

private:
    struct running
    {
        std::string_view work;
        clock::time_point until;
        bool overdue = false;
    };

    /// Takes it off those that run. False, and a complaint, if it is not among them: it would have ended twice.
    bool close(const task& which, std::string_view& work);
    void count(std::string_view work, const std::string& outcome);
    [[nodiscard]] bool is_explained(const error_info& failure, const ledger_entry& entry,
                                    meddling how) const;

    ledger& shared_;
    const circumstances around_;
    mutable std::mutex mutex_;
    std::uint64_t next_ = 1;
    std::uint64_t billed_again_ = 0;  // of numbers whose entry is used again
    totals sums_;
    std::unordered_map<std::uint64_t, running> running_;
    std::map<std::string, std::map<std::string, std::uint64_t>> outcomes_;  // by work
    std::vector<std::string> complaints_;                                   // the first of them
};

}  // namespace regolo::soak
