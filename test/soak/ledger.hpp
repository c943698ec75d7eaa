#pragma once

#include "soak/fault.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace regolo::soak {

/// What the servers know about a request. An entry is used again when a million younger requests have come.
struct ledger_entry
{
    std::atomic<std::uint64_t> number{0};
    std::atomic<std::uint32_t> faults{0};    // set of `bit`
    std::atomic<std::uint32_t> received{0};  // requests with that number
    std::atomic<std::uint32_t> billed{0};    // those that the server began to work on
};

struct server_record
{
    std::atomic<std::uint64_t> starts{0};
    std::atomic<std::uint64_t> requests{0};
    std::atomic<std::uint64_t> pieces{0};  // of streams, given to the system
    std::atomic<std::uint64_t> broken{0};  // ended otherwise than by the kill that is meant
};

/** What this process and its servers share, since a server that is killed takes everything else with it. Lives in memory
    that forked processes see, too. */
class ledger
{
public:
    static constexpr std::size_t server_count = 4;

    ledger();
    ~ledger();
    ledger(const ledger&) = delete;
    ledger& operator=(const ledger&) = delete;

    /// The entry of a number that the client has opened.
    [[nodiscard]] ledger_entry& at(std::uint64_t number) const noexcept;

    /// Takes the entry over for that number. @returns how often the number before it was billed beyond the first time
    std::uint32_t open(std::uint64_t number) const noexcept;

    /// The same sum for all entries that are in use.
    [[nodiscard]] std::uint64_t billed_again() const noexcept;

    [[nodiscard]] server_record& server(std::size_t index) const noexcept;

    /// Requests whose number is not, or no longer, open: the server read something that was not sent.
    [[nodiscard]] std::atomic<std::uint64_t>& strays() const noexcept;
    /// How often each fault was done.
    [[nodiscard]] std::atomic<std::uint64_t>& done(fault what) const noexcept;

private:
    struct content;
    content* content_;
};

}  // namespace regolo::soak
