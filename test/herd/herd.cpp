// A crowd of clients that a server has sent away in the same moment: when do they come back? Prints a histogram for each
// way of sending them away, and fails where they come back in a crowd, or earlier than they were asked to.

#include "client_state.hpp"
#include "integration/exchanges.hpp"
#include "support/file_limit.hpp"
#include "support/manual_clock.hpp"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <memory>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace regolo::test {

namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr std::size_t bin_count = 20;  // each 5 % of the window

/// 2023-09-29 16:26:37, which a date is relative to.
constexpr auto wall = std::chrono::seconds(1696004797);

/// What the server says, and the window in which the clients have to come back.
struct scene
{
    const char* name;
    const char* headers;
    nanoseconds earliest;
    nanoseconds width;
    bool fixed_seeds = true;
    bool one_client = false;  // its calls come while it is told to wait
};

const scene scenes[] = {
    {"no Retry-After: half a second, less up to a quarter", "", 375ms, 125ms},
    {"Retry-After: 1", "retry-after: 1\r\n", 1s, 250ms},
    {"Retry-After: 60", "retry-after: 60\r\n", 60s, 6s},
    {"retry-after-ms: 1500", "retry-after-ms: 1500\r\n", 1500ms, 250ms},
    {"Retry-After with a date 20 s ahead", "retry-after: Fri, 29 Sep 2023 16:26:57 GMT\r\n", 20s,
     2s},
    {"Retry-After: 1, seeds of the system", "retry-after: 1\r\n", 1s, 250ms, false},
    {"Retry-After: 1, the further calls of one client", "retry-after: 1\r\n", 1s, 250ms, true,
     true},
};

class seeded final : public net::random_source
{
public:
    explicit seeded(std::uint64_t seed) : engine_(seed) {}
    std::uint64_t next() noexcept override { return engine_(); }

private:
    std::mt19937_64 engine_;
};

class counter final : public observer
{
public:
    std::size_t sent_away = 0;

    void retry_planned(const call_event&, const retry_event&) noexcept override { ++sent_away; }
};

/// Clients of one server, each with a clock of its own; all clocks show the same time.
class crowd
{
public:
    crowd(const test_server& server, const scene& how, std::size_t calls)
        : times_(how.one_client ? 1 : calls), calls_(calls)
    {
        auto config = config_for(server);
        config.retry = retry_policy();
        config.observer = watch_;
        for (std::size_t i = 0; i < times_.size(); ++i)
        {
            times_[i].advance(wall - times_[i].now().time_since_epoch());
            regolo::detail::client_state::seams outside;
            outside.clock = times_[i].make_clock();
            if (how.fixed_seeds)
                outside.random = std::make_shared<seeded>(i + 1);
            clients_.push_back(
                regolo::detail::client_access::make(regolo::detail::client_state::make(
                    io_.get_executor(), config, std::move(outside))));
        }
    }

    ~crowd()
    {
        for (const auto& each : clients_)
            each.close();
        io_.restart();
        io_.poll();
    }

    /// Every client asks once, and is sent away.
    void be_sent_away()
    {
        for (const auto& each : clients_)
            ask(each);
        wait_until([this] { return watch_->sent_away == clients_.size(); });
        began_ = times_[0].now();
        if (clients_.size() == 1)
        {
            for (std::size_t i = 1; i < calls_; ++i)
                ask(clients_[0]);
            io_.restart();
            io_.poll();
        }
    }

    /// When each call's next attempt begins, since all were sent away.
    std::vector<nanoseconds> come_back()
    {
        std::vector<nanoseconds> starts;
        std::vector<std::uint64_t> begun;
        for (const auto& each : clients_)
            begun.push_back(each.stats().attempts);
        while (starts.size() < calls_)
        {
            const auto next = std::min_element(
                times_.begin(), times_.end(),
                [](const auto& a, const auto& b) { return a.wake_at() < b.wake_at(); });
            const auto now = next->wake_at();
            if (now == manual_time::time_point::max())
                throw std::runtime_error("nobody waits any more, and not all have come back");
            std::vector<std::size_t> woken;
            for (std::size_t i = 0; i < times_.size(); ++i)
            {
                if (times_[i].wake_at() <= now)
                    woken.push_back(i);
                times_[i].advance(std::max(nanoseconds(0), nanoseconds(now - times_[i].now())));
            }
            io_.restart();
            io_.poll();
            for (const auto i : woken)
            {
                for (const auto all = clients_[i].stats().attempts; begun[i] < all; ++begun[i])
                    starts.push_back(now - began_);
            }
        }
        wait_until([this] { return right_ + wrong_ == calls_; });
        return starts;
    }

    [[nodiscard]] std::size_t wrong() const { return wrong_; }

private:
    void ask(const client& from)
    {
        asio::co_spawn(io_, exchange_of(kind::chat, from),
                       [this](std::exception_ptr failure, const std::string& text) {
                           ++(failure || text.empty() ? wrong_ : right_);
                       });
    }

    template <class Condition>
    void wait_until(Condition holds)
    {
        if (!run_until(io_, holds, 60s))
            throw std::runtime_error("the exchanges do not come to an end");
    }

    asio::io_context io_{1};
    std::shared_ptr<counter> watch_ = std::make_shared<counter>();
    std::vector<manual_time> times_;
    std::vector<client> clients_;
    manual_time::time_point began_;
    std::size_t calls_;
    std::size_t right_ = 0;
    std::size_t wrong_ = 0;
};

std::vector<nanoseconds> starts_of(const scene& how, std::size_t calls)
{
    // The first request of each call is refused, which its id tells.
    std::set<std::string, std::less<>> seen;
    bool is_first = true;
    test_server server(server_options::plain());
    server.on_request([&](const received_request& request) {
        const bool is_new = seen.insert(std::string(request.header("x-litellm-call-id"))).second;
        if (is_new && (!how.one_client || std::exchange(is_first, false)))
            return script().respond(429, "application/json", "{}", how.headers);
        return server.simulated(request);
    });
    crowd all(server, how, calls);
    all.be_sent_away();
    auto starts = all.come_back();
    if (all.wrong() != 0)
        throw std::runtime_error(std::to_string(all.wrong()) + " calls failed");
    return starts;
}

bool show(const scene& how, const std::vector<nanoseconds>& starts)
{
    const auto count = static_cast<double>(starts.size());
    std::vector<std::size_t> bins(bin_count);
    std::size_t outside = 0;
    for (const auto each : starts)
    {
        const auto bin = (each - how.earliest) * bin_count / how.width;
        if (each < how.earliest || each > how.earliest + how.width)
            ++outside;
        else
            ++bins[std::min<std::size_t>(static_cast<std::size_t>(bin), bin_count - 1)];
    }
    // A bin's number is binomial: 5.5 standard deviations off has a probability of less than 1e-6, 8 of less than 1e-11.
    // The seeds of a run are fixed where the bound is the narrow one.
    const double mean = count / bin_count;
    const double deviation = std::sqrt(mean * (1 - 1.0 / bin_count));
    const double most = mean + (how.fixed_seeds ? 5.5 : 8) * deviation;
    const double least = mean - 5.5 * deviation;
    std::cout << how.name << ": " << starts.size() << " attempts\n";
    for (std::size_t i = 0; i < bin_count; ++i)
    {
        const std::chrono::duration<double, std::milli> from =
            how.earliest + how.width / bin_count * static_cast<std::int64_t>(i);
        std::cout.width(10);
        std::cout << from.count() << " ms ";
        std::cout.width(5);
        std::cout << bins[i] << ' '
                  << std::string(
                         static_cast<std::size_t>(static_cast<double>(bins[i]) / count * 400), '#')
                  << '\n';
    }
    const auto [low, high] = std::minmax_element(bins.begin(), bins.end());
    const bool is_spread = outside == 0 && static_cast<double>(*high) <= most &&
                           (!how.fixed_seeds || static_cast<double>(*low) >= least);
    std::cout << "  in 5 % of the time at least " << 100.0 * static_cast<double>(*low) / count
              << " % of the attempts, at most " << 100.0 * static_cast<double>(*high) / count
              << " % (allowed " << 100 * most / count << " %), outside " << outside
              << (is_spread ? "" : "  WRONG") << "\n\n";
    return is_spread;
}

int run_all()
{
    // A connection has two ends, both of them here.
    const std::size_t files = raise_file_limit();
    const std::size_t calls = std::min<std::size_t>(1000, files > 200 ? (files - 100) / 3 : 0);
    if (calls < 100)
        throw std::runtime_error("the limit on open files is too low (ulimit -n)");
    int wrong = 0;
    for (const auto& each : scenes)
        wrong += !show(each, starts_of(each, calls));
    std::cout << std::size(scenes) << " histograms, " << wrong << " wrong\n";
    return wrong == 0 ? 0 : 1;
}

}  // namespace

}  // namespace regolo::test

int main()
{
    try
    {
        return regolo::test::run_all();
    }
    catch (const std::exception& failure)
    {
        std::cerr << "regolo_herd: " << failure.what() << '\n';
        return 1;
    }
}
