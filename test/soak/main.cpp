// Mixed work on servers that do everything wrong, for as long as one likes; then a verdict.

#include "soak/samples.hpp"
#include "soak/server_keeper.hpp"
#include "soak/work.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <exception>
#include <iomanip>
#include <iostream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <sys/resource.h>
#include <thread>

namespace regolo::soak {

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr std::string_view usage =
    R"(regolo_soak: work of every kind on servers that fail, restart and move; then a verdict

  --seconds N        how long (default 60)
  --requests N       until so many requests have been made instead
  --seed N           of the faults and of what the callers do (default: any; it is printed)
  --streams N        long streams at once (default 2000)
  --callers N        callers that do everything else (default 32)
  --threads N        io_contexts, each with a thread and two clients (default 2)
  --pace N           longest pause between the pieces of a long stream, in ms (default 500)
  --silence N        seconds until a client gives a silent server up (default 15)
  --restart-every N  requests until a server kills itself, on average (default 4000; 0: never)
  --no-faults        servers that do nothing wrong
  --ports A,B,C,D    of the servers: two plain, two with TLS (default: free ones)
  --via A,B,C,D      where clients connect to instead: a proxy that does what it likes with the bytes
  --late N           instead: N streams that nobody reads, which have to hold the servers up
  --csv FILE         a sample of every second

Exit status: 0 if all was well.
)";

struct settings
{
    settings() = default;

    std::uint64_t seconds = 60;
    std::uint64_t requests = 0;
    std::uint64_t seed = std::random_device()();
    std::uint64_t streams = 2000;
    std::uint64_t callers = 32;
    std::uint64_t threads = 2;
    std::uint64_t pace = 500;
    std::uint64_t silence = 15;
    std::uint64_t restart_every = 4000;
    bool faults = true;
    std::vector<std::uint16_t> ports;
    std::vector<std::uint16_t> via;
    std::uint64_t late = 0;
    std::string csv;
    bool show_help = false;
};

template <class T>
T number(std::string_view text)
{
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
        throw std::invalid_argument("'" + std::string(text) + "' is no number");
    return value;
}

std::vector<std::uint16_t> ports_in(const std::string& text)
{
    std::istringstream list(text);
    std::vector<std::uint16_t> ports;
    for (std::string each; std::getline(list, each, ',');)
        ports.push_back(number<std::uint16_t>(each));
    if (ports.size() != ledger::server_count)
        throw std::invalid_argument("'" + text + "' is no list of four ports");
    return ports;
}

settings parse(int argc, char** argv)
{
    settings parsed;
    const std::pair<std::string_view, std::uint64_t*> numbers[] = {
        {"--seconds", &parsed.seconds},
        {"--requests", &parsed.requests},
        {"--seed", &parsed.seed},
        {"--streams", &parsed.streams},
        {"--callers", &parsed.callers},
        {"--threads", &parsed.threads},
        {"--pace", &parsed.pace},
        {"--silence", &parsed.silence},
        {"--restart-every", &parsed.restart_every},
        {"--late", &parsed.late},
    };
    for (int i = 1; i < argc; ++i)
    {
        const std::string_view option = argv[i];
        const auto value = [&]() -> std::string {
            if (++i == argc)
                throw std::invalid_argument(std::string(option) + " needs a value");
            return argv[i];
        };
        const auto* const found =
            std::find_if(std::begin(numbers), std::end(numbers),
                         [&](const auto& each) { return each.first == option; });
        if (found != std::end(numbers))
            *found->second = number<std::uint64_t>(value());
        else if (option == "--no-faults")
            parsed.faults = false;
        else if (option == "--ports")
            parsed.ports = ports_in(value());
        else if (option == "--via")
            parsed.via = ports_in(value());
        else if (option == "--csv")
            parsed.csv = value();
        else if (option == "--help")
            parsed.show_help = true;
        else
            throw std::invalid_argument("unknown option " + std::string(option));
    }
    if (parsed.threads == 0)
        throw std::invalid_argument("--threads 0 does nothing");
    return parsed;
}

/// A descriptor for each stream, and some for the rest.
void raise_file_limit()
{
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// io_contexts with a thread each.
class crew
{
public:
    explicit crew(std::size_t size)
    {
        for (std::size_t i = 0; i != size; ++i)
        {
            contexts_.push_back(std::make_unique<asio::io_context>(1));
            guards_.push_back(asio::make_work_guard(*contexts_.back()));
            threads_.emplace_back([io = contexts_.back().get()] { io->run(); });
        }
    }
    ~crew() { join(); }
    crew(const crew&) = delete;
    crew& operator=(const crew&) = delete;

    /// Lets what is under way end.
    void join()
    {
        guards_.clear();
        threads_.clear();
    }

    [[nodiscard]] std::vector<asio::any_io_executor> executors() const
    {
        std::vector<asio::any_io_executor> all;
        for (const auto& each : contexts_)
            all.emplace_back(each->get_executor());
        return all;
    }

private:
    std::vector<std::unique_ptr<asio::io_context>> contexts_;
    std::vector<asio::executor_work_guard<asio::io_context::executor_type>> guards_;
    std::vector<std::jthread> threads_;
};

client_stats stats_of(const workload& all)
{
    client_stats sum;
    for (const auto& each : all.clients)
    {
        const auto one = each.stats();
        sum.connections += one.connections;
        sum.in_use += one.in_use;
        sum.idle += one.idle;
        sum.waiting += one.waiting;
        sum.calls += one.calls;
        sum.attempts += one.attempts;
        sum.retries += one.retries;
        sum.stale_replays += one.stale_replays;
        sum.connections_opened += one.connections_opened;
        sum.connections_reused += one.connections_reused;
        sum.tls_resumed += one.tls_resumed;
    }
    return sum;
}

class soak
{
public:
    explicit soak(const settings& wanted)
        : wanted_(wanted),
          keeper_(keeper_options_of(wanted), shared_),
          books_(shared_, {wanted.restart_every != 0, !wanted.via.empty()}),
          all_(books_),
          crew_(wanted.threads)
    {
        all_.ca_pem = keeper_.ca_pem();
        all_.streams = wanted.streams + wanted.late;
        all_.most_requests = wanted.requests;
        all_.pace = wanted.pace;
        all_.silence = std::chrono::seconds(wanted.silence);
        all_.executors = crew_.executors();
        std::vector<std::vector<std::uint16_t>> groups(2);
        for (std::size_t i = 0; i != ledger::server_count; ++i)
        {
            const auto port = wanted.via.empty() ? keeper_.port(i) : wanted.via[i];
            groups[server_keeper::is_tls(i) ? 1 : 0].push_back(port);
        }
        all_.direct_urls = {"http://127.0.0.1:" + std::to_string(groups[0][0]),
                            "https://127.0.0.1:" + std::to_string(groups[1][0])};
        all_.names = std::make_shared<moving_names>(groups);
        for (const auto& each : all_.executors)
            for (const bool tls : {false, true})
                all_.clients.push_back(all_.make_client(each, tls));
        files_before_ = look_at_process().files;
    }

    /// @returns whether all was well
    bool mixed();
    bool late();

private:
    static keeper_options keeper_options_of(const settings& wanted)
    {
        keeper_options options;
        options.seed = wanted.seed;
        options.faults = wanted.faults && wanted.late == 0;
        options.restart_every = wanted.late == 0 ? wanted.restart_every : 0;
        options.ports = wanted.ports;
        options.small_buffers = wanted.late != 0;
        return options;
    }

    void start(std::size_t thread, asio::awaitable<void> caller)
    {
        ++all_.callers;
        asio::co_spawn(all_.executors[thread % all_.executors.size()], std::move(caller),
                       [this](const std::exception_ptr& failure) {
                           if (!failure)
                               return;
                           try
                           {
                               std::rethrow_exception(failure);
                           }
                           catch (const std::exception& error)
                           {
                               books_.complain(std::string("a caller died of ") + error.what());
                               --all_.callers;
                           }
                       });
    }

    void wait_for_servers();
    void take_sample();
    void watch();
    void wait_for_callers();
    void close();
    [[nodiscard]] std::uint64_t starts() const;
    [[nodiscard]] std::uint64_t pieces() const;
    void report(const client_stats& stats);
    bool verdict(const client_stats& stats);
    void check(const std::string& what, bool holds)
    {
        std::cout << (holds ? "  ok      " : "  FAILED  ") << what << '\n';
        is_well_ = is_well_ && holds;
    }

    const settings wanted_;
    ledger shared_;
    server_keeper keeper_;  // before there are threads
    accounts books_;
    workload all_;
    crew crew_;
    std::uint64_t files_before_ = 0;
    steady::time_point began_ = steady::now();
    std::vector<sample> samples_;
    bool is_well_ = true;
};

std::uint64_t soak::starts() const
{
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i != ledger::server_count; ++i)
        sum += shared_.server(i).starts;
    return sum;
}

std::uint64_t soak::pieces() const
{
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i != ledger::server_count; ++i)
        sum += shared_.server(i).pieces;
    return sum;
}

void soak::wait_for_servers()
{
    const auto limit = steady::now() + 30s;
    while (starts() < ledger::server_count)
    {
        if (steady::now() > limit)
            throw std::runtime_error("the servers did not start");
        std::this_thread::sleep_for(10ms);
    }
}

void soak::take_sample()
{
    auto now = look_at_process();
    const auto stats = stats_of(all_);
    const auto sums = books_.sums();
    now.seconds = std::chrono::duration<double>(steady::now() - began_).count();
    now.calls = stats.calls;
    now.connections = stats.connections;
    now.in_use = stats.in_use;
    now.idle = stats.idle;
    now.waiting = stats.waiting;
    now.outstanding = books_.open_now();
    now.opened = sums.opened;
    now.right = sums.right;
    now.errors = sums.errors;
    now.restarts = starts() - ledger::server_count;
    samples_.push_back(now);
    if (samples_.size() % 10 == 1)
    {
        std::cout << std::fixed << std::setprecision(0) << std::setw(6) << now.seconds << " s  "
                  << now.memory / 1024 << " MiB, heap " << now.heap / 1024 << " MiB, " << now.files
                  << " files, " << now.in_use << " connections in use, " << now.outstanding
                  << " outstanding, " << now.opened << " requests, " << now.right << " right, "
                  << now.errors << " errors, " << now.restarts << " restarts" << std::endl;
    }
}

/// Until the work is done, or something hangs.
void soak::watch()
{
    const auto end = began_ + std::chrono::seconds(wanted_.seconds);
    auto next = began_;
    while (wanted_.requests != 0 ? all_.goes_on() : steady::now() < end)
    {
        take_sample();
        next += 1s;
        if (samples_.size() % 7 == 0)
            all_.names->move();
        if (books_.complain_about_overdue() != 0)
            return;
        while (steady::now() < next && (wanted_.requests == 0 || all_.goes_on()))
            std::this_thread::sleep_for(20ms);
    }
}

void soak::wait_for_callers()
{
    all_.stopping = true;
    while (all_.callers != 0)
    {
        if (books_.complain_about_overdue() != 0)
        {
            std::cout << books_.open_now() << " requests have not ended\n";
            books_.print(std::cout);
            // Nothing that they refer to may go away now.
            std::cout << std::flush;
            std::_Exit(EXIT_FAILURE);
        }
        std::this_thread::sleep_for(20ms);
    }
}

void soak::close()
{
    for (const auto& each : all_.clients)
        each.close();
    all_.clients.clear();
    crew_.join();
}

void soak::report(const client_stats& stats)
{
    const auto sums = books_.sums();
    std::cout << "\nrequests: " << sums.opened << " made, " << sums.right << " answered right, "
              << sums.dropped << " dropped by their caller, " << sums.errors
              << " ended by an error\n";
    books_.print(std::cout);
    std::cout << "faults:";
    for (const auto& each : fault_weights)
        std::cout << "\n  " << std::left << std::setw(30) << each.name << std::right
                  << shared_.done(each.what);
    std::cout << "\nservers:\n";
    for (std::size_t i = 0; i != ledger::server_count; ++i)
    {
        const auto& each = shared_.server(i);
        std::cout << "  " << (server_keeper::is_tls(i) ? "tls  " : "plain") << " port "
                  << keeper_.port(i) << ": " << each.starts << " starts, " << each.requests
                  << " requests, " << each.pieces << " pieces\n";
    }
    std::cout << "clients: " << stats.attempts << " attempts, " << stats.retries << " retries, "
              << stats.stale_replays << " stale replays, " << stats.connections_opened
              << " connections opened, " << stats.connections_reused << " times reused, "
              << stats.tls_resumed << " TLS sessions resumed, " << all_.names->look_ups
              << " look-ups, " << all_.names->moves() << " moves\n";
}

bool soak::verdict(const client_stats& stats)
{
    const auto sums = books_.sums();
    std::uint64_t broken = 0;
    bool all_asked = true;
    for (std::size_t i = 0; i != ledger::server_count; ++i)
    {
        broken += shared_.server(i).broken;
        all_asked = all_asked && shared_.server(i).requests != 0;
    }
    const auto memory = trend_of(samples_, &sample::memory);
    const auto heap = trend_of(samples_, &sample::heap);
    const auto files = trend_of(samples_, &sample::files);
    const auto files_after = look_at_process().files;
    const auto billed_again = books_.billed_again();
    const auto replays = stats.stale_replays + all_.stale_replays;

    std::cout << "medians of the quarters\n  memory in KiB: " << memory
              << "\n  heap in KiB: " << heap << "\n  files: " << files << "\nverdict (seed "
              << wanted_.seed << "):\n";
    check("every request ended once, as it should (" + std::to_string(sums.complaints) +
              " complaints)",
          sums.complaints == 0 && books_.open_now() == 0 &&
              sums.opened == sums.right + sums.dropped + sums.errors);
    check("some were answered", sums.right != 0);
    check("begun again for the same request: " + std::to_string(billed_again) +
              ", no more than the stale replays: " + std::to_string(replays),
          billed_again <= replays);
    check("no server read what was not sent", shared_.strays() == 0);
    check("all servers were asked, and none ended by itself", all_asked && broken == 0);
    if (!memory.medians.empty())
    {
        check("memory is flat", memory.is_flat(8192) && heap.is_flat(8192));
        check("descriptors are flat", files.is_flat(64));
    }
    check("no descriptor is left: " + std::to_string(files_before_) + " before, " +
              std::to_string(files_after) + " after",
          files_after <= files_before_);
    std::cout << (is_well_ ? "all is well" : "NOT WELL") << std::endl;
    return is_well_;
}

bool soak::mixed()
{
    wait_for_servers();
    std::vector<std::jthread> background_callers;
    for (std::size_t i = 0; i != wanted_.streams; ++i)
        start(i, read_streams(all_, mix(wanted_.seed, 1'000'000 + i)));
    for (std::size_t i = 0; i != wanted_.callers; ++i)
        start(i, do_anything(all_, mix(wanted_.seed, 2'000'000 + i)));
    ++all_.callers;
    background_callers.emplace_back([this] { use_background(all_, mix(wanted_.seed, 3'000'000)); });
    watch();
    wait_for_callers();
    background_callers.clear();
    take_sample();
    const auto stats = stats_of(all_);
    check("the clients are quiet", stats.calls == 0 && stats.in_use == 0 && stats.waiting == 0);
    close();
    if (!wanted_.csv.empty())
        write_csv(wanted_.csv, samples_);
    report(stats);
    return verdict(stats);
}

bool soak::late()
{
    constexpr std::uint64_t length = 256;
    constexpr std::uint64_t padding = 4000;
    wait_for_servers();
    const auto before = look_at_process();
    late_readers idlers(length, padding);
    for (std::size_t i = 0; i != wanted_.late; ++i)
        start(i, read_late(all_, idlers, i));
    while (idlers.open != wanted_.late && books_.complain_about_overdue() == 0)
        std::this_thread::sleep_for(10ms);
    // Streams that are read are the clock: meanwhile their servers would write the others, too.
    late_readers clock(length, padding);
    clock.go_on = true;
    std::uint64_t ticks = 0;
    std::uint64_t written = pieces();
    std::uint64_t last = 0;
    for (int rounds = 0; written != last && rounds != 50 && books_.sums().errors == 0; ++rounds)
    {
        last = written;
        for (std::size_t i = 0; i != 10 * all_.clients.size(); ++i, ++ticks)
            start(i, read_late(all_, clock, i));
        while (clock.ended != ticks && books_.complain_about_overdue() == 0)
            std::this_thread::sleep_for(10ms);
        written = pieces() - ticks * length;
    }
    const auto now = look_at_process();
    const auto of_each = (now.memory - before.memory) / wanted_.late;
    std::cout << wanted_.late << " streams, " << length << " pieces of " << padding
              << " bytes each; nobody reads\n"
              << "pieces that the servers could write: " << written << " of "
              << wanted_.late * length << ", and no more while others of " << ticks
              << " streams were read\nmemory of the client: " << of_each
              << " KiB for each stream, heap " << (now.heap - before.heap) / wanted_.late << '\n';
    check("the servers are held up", written == last && written < wanted_.late * length * 3 / 4);
    // Unread pieces would be a MiB for each stream.
    check("memory is bounded", now.memory - before.memory < 16384 + wanted_.late * 128);
    idlers.go_on = true;
    wait_for_callers();
    const auto stats = stats_of(all_);
    close();
    report(stats);
    const auto sums = books_.sums();
    check("then all were read to their end", sums.right == sums.opened && sums.complaints == 0);
    return is_well_;
}

}  // namespace

}  // namespace regolo::soak

int main(int argc, char** argv)
try
{
    using namespace regolo::soak;
    const auto wanted = parse(argc, argv);
    if (wanted.show_help)
    {
        std::cout << usage;
        return EXIT_SUCCESS;
    }
    raise_file_limit();
    std::cout << "seed " << wanted.seed << std::endl;
    soak run(wanted);
    const bool is_well = wanted.late == 0 ? run.mixed() : run.late();
    return is_well ? EXIT_SUCCESS : EXIT_FAILURE;
}
catch (const std::exception& error)
{
    std::cerr << "regolo_soak: " << error.what() << '\n';
    return EXIT_FAILURE;
}
