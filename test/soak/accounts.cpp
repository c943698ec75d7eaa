#include "soak/accounts.hpp"

#include <boost/system/errc.hpp>

#include <iomanip>
#include <ostream>

namespace regolo::soak {

namespace {

constexpr std::size_t kept_complaints = 40;

/// Attempts of a call, each of which may be replayed once for a connection that was dead.
constexpr std::uint32_t most_received = 6;

std::string name_of(const error_info& failure)
{
    if (failure.code.category() == error_category())
        return std::string(to_string(static_cast<errc>(failure.code.value())));
    return failure.code.message();
}

std::string shortened(std::string text)
{
    if (text.size() > 120)
        text = text.substr(0, 60) + " ... " + text.substr(text.size() - 60);
    return text;
}

template <class... Faults>
constexpr std::uint32_t set_of(Faults... each)
{
    return (bit(each) | ...);
}

constexpr auto endings =
    set_of(fault::fin_first, fault::rst_first, fault::fin_within, fault::rst_within,
           fault::cut_tls_within, fault::close_after, fault::garbage, fault::garbage_below_tls);
constexpr auto silences = set_of(fault::stall_first, fault::stall_within);
constexpr auto nonsense = set_of(fault::garbage, fault::garbage_body, fault::garbage_below_tls);

}  // namespace

task accounts::open(std::string_view work, std::uint64_t pieces, std::uint64_t interval,
                    std::uint64_t padding, std::chrono::seconds limit)
{
    const std::lock_guard lock(mutex_);
    task made;
    made.number = next_++;
    made.pieces = pieces;
    made.interval = interval;
    made.padding = padding;
    ++sums_.opened;
    billed_again_ += shared_.open(made.number);
    running_.emplace(made.number, running{work, clock::now() + limit});
    return made;
}

bool accounts::close(const task& which, std::string_view& work)
{
    const std::lock_guard lock(mutex_);
    const auto found = running_.find(which.number);
    if (found == running_.end())
        return false;
    work = found->second.work;
    running_.erase(found);
    return true;
}

void accounts::settle(const task& which, const result<std::string>& got, meddling how,
                      std::string_view expected)
{
    std::string_view work;
    if (!close(which, work))
        return complain("request " + std::to_string(which.number) + " ended twice");
    const auto& entry = shared_.at(which.number);
    const std::string who = std::string(work) + ' ' + which.mark();
    if (entry.received > most_received)
        complain(who + ": sent " + std::to_string(entry.received) + " times");
    if (!got)
    {
        const auto& failure = got.error();
        count(work, name_of(failure));
        if (!is_explained(failure, entry, how))
        {
            complain(who + ": unexplained: " + describe(failure) + " (faults " +
                     std::to_string(entry.faults) + ")");
        }
        return;
    }
    const bool is_right = *got == (expected.empty() ? which.whole() : expected);
    count(work, is_right ? "right" : "WRONG");
    if (!is_right)
        complain(who + ": wrong answer: " + shortened(*got));
    else if (entry.billed == 0)
        complain(who + ": an answer that no server has given");
}

void accounts::settle_dropped(const task& which, std::string_view read)
{
    std::string_view work;
    if (!close(which, work))
        return complain("request " + std::to_string(which.number) + " ended twice");
    count(work, "dropped");
    if (!which.whole().starts_with(read))
        complain(std::string(work) + ' ' + which.mark() +
                 ": wrong text before it was dropped: " + shortened(std::string(read)));
}

void accounts::count(std::string_view work, const std::string& outcome)
{
    const std::lock_guard lock(mutex_);
    ++outcomes_[std::string(work)][outcome];
    if (outcome == "right")
        ++sums_.right;
    else if (outcome == "dropped")
        ++sums_.dropped;
    else if (outcome != "WRONG")
        ++sums_.errors;
}

bool accounts::is_explained(const error_info& failure, const ledger_entry& entry,
                            meddling how) const
{
    const auto had = [&](std::uint32_t faults) { return (entry.faults & faults) != 0; };
    if (failure.code == boost::system::errc::operation_canceled)
        return how == meddling::stopped;
    const bool may_end = around_.restarts || around_.chaos || had(endings);
    if (failure.code.category() != error_category())
        return may_end;
    switch (static_cast<errc>(failure.code.value()))
    {
        case errc::connection_lost:
        case errc::truncated:
            return may_end;
        case errc::rate_limited:
            return had(bit(fault::status_429));
        case errc::server_error:
            return had(bit(fault::status_500));
        case errc::unavailable:
            return had(set_of(fault::status_503, fault::error_frame));
        case errc::bad_response:
            return had(nonsense);
        case errc::head_timeout:
        case errc::first_event_timeout:
        case errc::idle_timeout:
            return had(silences) || around_.chaos;
        case errc::connect_timeout:
        case errc::send_timeout:
            return around_.chaos;
        case errc::total_timeout:
        case errc::deadline_exceeded:
            return how == meddling::hurried || had(silences) || around_.chaos;
        case errc::client_closed:
            return how == meddling::closed;
        default:
            return false;
    }
}

accounts::totals accounts::sums() const
{
    const std::lock_guard lock(mutex_);
    return sums_;
}

std::size_t accounts::open_now() const
{
    const std::lock_guard lock(mutex_);
    return running_.size();
}

std::size_t accounts::complain_about_overdue()
{
    std::vector<std::string> found;
    {
        const std::lock_guard lock(mutex_);
        const auto now = clock::now();
        for (auto& [number, each] : running_)
        {
            if (each.overdue || each.until > now)
                continue;
            each.overdue = true;
            found.push_back(std::string(each.work) + " request " + std::to_string(number) +
                            " hangs");
        }
    }
    for (const auto& each : found)
        complain(each);
    return found.size();
}

void accounts::complain(const std::string& what)
{
    const std::lock_guard lock(mutex_);
    ++sums_.complaints;
    if (complaints_.size() < kept_complaints)
        complaints_.push_back(what);
}

std::uint64_t accounts::billed_again() const
{
    const std::lock_guard lock(mutex_);
    return billed_again_ + shared_.billed_again();
}

void accounts::print(std::ostream& out) const
{
    const std::lock_guard lock(mutex_);
    for (const auto& [work, outcomes] : outcomes_)
    {
        out << "  " << std::left << std::setw(20) << work << std::right;
        std::string_view between;
        for (const auto& [outcome, times] : outcomes)
        {
            out << between << times << ' ' << outcome;
            between = ", ";
        }
        out << '\n';
    }
    for (const auto& each : complaints_)
        out << "  COMPLAINT " << each << '\n';
}

}  // namespace regolo::soak
