#include "soak/ledger.hpp"

#include <array>
#include <cerrno>
#include <new>
#include <sys/mman.h>
#include <system_error>

namespace regolo::soak {

namespace {

constexpr std::size_t capacity = std::size_t{1} << 20;

static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "it is shared between processes");

}  // namespace

struct ledger::content
{
    std::array<ledger_entry, capacity> entries;
    std::array<server_record, server_count> servers;
    std::array<std::atomic<std::uint64_t>, 32> faults;
    std::atomic<std::uint64_t> strays;
};

ledger::ledger()
{
    void* const memory = ::mmap(nullptr, sizeof(content), PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED)
        throw std::system_error(errno, std::generic_category(), "mmap");
    content_ = new (memory) content();
}

ledger::~ledger() { ::munmap(content_, sizeof(content)); }

ledger_entry& ledger::at(std::uint64_t number) const noexcept
{
    return content_->entries[number % capacity];
}

namespace {

std::uint32_t again(const ledger_entry& entry)
{
    const auto times = entry.billed.load();
    return times > 1 ? times - 1 : 0;
}

}  // namespace

std::uint32_t ledger::open(std::uint64_t number) const noexcept
{
    auto& entry = at(number);
    const auto before = again(entry);
    entry.faults = 0;
    entry.received = 0;
    entry.billed = 0;
    entry.number = number;
    return before;
}

std::uint64_t ledger::billed_again() const noexcept
{
    std::uint64_t sum = 0;
    for (const auto& each : content_->entries)
        sum += again(each);
    return sum;
}

server_record& ledger::server(std::size_t index) const noexcept { return content_->servers[index]; }

std::atomic<std::uint64_t>& ledger::strays() const noexcept { return content_->strays; }

std::atomic<std::uint64_t>& ledger::done(fault what) const noexcept
{
    return content_->faults[static_cast<std::size_t>(what)];
}

}  // namespace regolo::soak
