#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <time.h>

/** @file
    What every client of the benchmarks is told and tells, whatever it is written in: see bench/README.md. */

namespace regolo::bench {

/// `PROGRAM BASE_URL WORKLOAD REQUESTS CONCURRENCY`; REQUESTS in all, of which so many run at a time.
struct job
{
    std::string base_url;  // such as https://localhost:8443, without the path
    std::string host;
    std::string port;
    bool tls = false;
    std::string workload;
    long requests = 0;
    long concurrency = 1;

    [[nodiscard]] bool streams() const
    {
        return workload == "bulk" || workload == "varied" || workload == "trickle" ||
               workload == "paced" || workload == "tools" || workload == "hold" ||
               workload.starts_with("stamped");
    }
};

inline job parse_job(int argc, char** argv)
{
    if (argc != 5)
        throw std::invalid_argument("usage: PROGRAM BASE_URL WORKLOAD REQUESTS CONCURRENCY");
    job parsed;
    parsed.base_url = argv[1];
    parsed.workload = argv[2];
    parsed.requests = std::atol(argv[3]);
    parsed.concurrency = std::atol(argv[4]);
    const auto& url = parsed.base_url;
    const auto host = url.find("://") + 3;
    const auto colon = url.rfind(':');
    parsed.tls = url.starts_with("https");
    parsed.host = url.substr(host, colon - host);
    parsed.port = url.substr(colon + 1);
    return parsed;
}

/// Checked to be the same for every client, so that nobody wins by doing less.
struct counts
{
    std::uint64_t requests = 0;
    std::uint64_t chunks = 0;  // events with data but [DONE]
    std::uint64_t text_bytes =
        0;  // of the answers, of tool calls and of floats where they are numbers
};

/// The clock of the scheduler, exact; what `getrusage` splits it into may be counted by ticks.
inline double cpu_seconds()
{
    timespec t{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

/// Measures from its construction to `report`, which comes with the last answer; a first request should have been made before,
/// so that nobody's start-up counts.
class meter
{
public:
    meter() : began_(steady::now()), cpu_before_(cpu_seconds())
    {
        ::getrusage(RUSAGE_SELF, &before_);
    }

    void report(const counts& what) const
    {
        const std::chrono::duration<double> wall = steady::now() - began_;
        const auto used = cpu_seconds() - cpu_before_;
        rusage now{};
        ::getrusage(RUSAGE_SELF, &now);
        std::cout << "{\"requests\":" << what.requests << ",\"chunks\":" << what.chunks
                  << ",\"text_bytes\":" << what.text_bytes << ",\"cpu\":" << used
                  << ",\"user\":" << seconds(now.ru_utime) - seconds(before_.ru_utime)
                  << ",\"system\":" << seconds(now.ru_stime) - seconds(before_.ru_stime)
                  << ",\"wall\":" << wall.count() << ",\"rss_kib\":" << now.ru_maxrss << "}"
                  << std::endl;
    }

private:
    using steady = std::chrono::steady_clock;

    static double seconds(const timeval& t)
    {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    }

    steady::time_point began_;
    double cpu_before_;
    rusage before_{};
};

/// The request that all of them send.
inline std::string request_text(const job& what)
{
    const std::string body =
        what.workload == "embeddings"
            ? R"({"model":"bench","input":"hello"})"
            : std::string(R"({"model":"bench","messages":[{"role":"user","content":"hello"}])") +
                  (what.streams() ? R"(,"stream":true})" : "}");
    const char* const path =
        what.workload == "embeddings" ? "/v1/embeddings" : "/v1/chat/completions";
    return "POST /" + what.workload + path + " HTTP/1.1\r\nHost: " + what.host + ":" + what.port +
           "\r\nAuthorization: Bearer test-key\r\nContent-Type: application/json\r\nAccept: " +
           (what.streams() ? "text/event-stream" : "application/json") +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace regolo::bench
