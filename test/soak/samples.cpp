#include "soak/samples.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <malloc.h>
#include <ostream>
#include <stdexcept>
#include <utility>

namespace regolo::soak {

namespace {

constexpr std::size_t least_samples = 60;

struct column
{
    const char* name;
    std::uint64_t sample::*figure;
};

constexpr column columns[] = {
    {"memory_kib", &sample::memory},
    {"heap_kib", &sample::heap},
    {"files", &sample::files},
    {"calls", &sample::calls},
    {"connections", &sample::connections},
    {"in_use", &sample::in_use},
    {"idle", &sample::idle},
    {"waiting", &sample::waiting},
    {"outstanding", &sample::outstanding},
    {"opened", &sample::opened},
    {"right", &sample::right},
    {"errors", &sample::errors},
    {"restarts", &sample::restarts},
};

/// Without the pages that are shared with the servers.
std::uint64_t own_pages()
{
    std::ifstream status("/proc/self/status");
    std::string word;
    while (status >> word)
    {
        std::uint64_t size = 0;
        if (word == "RssAnon:" && status >> size)
            return size;
    }
    throw std::runtime_error("/proc/self/status does not tell RssAnon");
}

}  // namespace

sample look_at_process()
{
    sample now;
    now.memory = own_pages();
    const auto heap = ::mallinfo2();
    now.heap = (heap.uordblks + heap.hblkhd) / 1024;
    now.files = static_cast<std::uint64_t>(
        std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                      std::filesystem::directory_iterator()));
    return now;
}

void write_csv(const std::string& path, const std::vector<sample>& samples)
{
    std::ofstream file(path);
    file << "seconds";
    for (const auto& each : columns)
        file << ',' << each.name;
    for (const auto& row : samples)
    {
        file << '\n' << row.seconds;
        for (const auto& each : columns)
            file << ',' << row.*each.figure;
    }
    file << std::endl;
    if (!file)
        throw std::runtime_error("cannot write " + path);
}

bool trend::is_flat(std::uint64_t slack) const
{
    return medians.back() <= medians.front() + medians.front() / 10 + slack;
}

trend trend_of(const std::vector<sample>& samples, std::uint64_t sample::*figure)
{
    trend found;
    if (samples.size() < least_samples)
        return found;
    const auto first = samples.size() / 5;
    const auto length = (samples.size() - first) / 4;
    for (std::size_t quarter = 0; quarter != 4; ++quarter)
    {
        std::vector<std::uint64_t> values;
        for (std::size_t i = 0; i != length; ++i)
            values.push_back(samples[first + quarter * length + i].*figure);
        const auto middle = values.begin() + static_cast<std::ptrdiff_t>(length / 2);
        std::nth_element(values.begin(), middle, values.end());
        found.medians.push_back(*middle);
    }
    return found;
}

std::ostream& operator<<(std::ostream& out, const trend& shown)
{
    if (shown.medians.empty())
        return out << "not judged: too short a run";
    const char* between = "";
    for (const auto each : shown.medians)
        out << std::exchange(between, ", ") << each;
    return out;
}

}  // namespace regolo::soak
