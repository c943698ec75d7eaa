#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <initializer_list>
#include <iostream>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <time.h>

/** @file
    What every client of the benchmarks is told and tells, whatever it is written in: see bench/README.md. */

namespace regolo::bench {

/// Whom a program asks for what.
struct target
{
    std::string base_url;  // such as https://localhost:8443, without the path
    std::string host;
    std::string port;
    bool tls = false;
    std::string workload;

    [[nodiscard]] bool streams() const
    {
        return workload == "bulk" || workload == "varied" || workload == "trickle" ||
               workload == "paced" || workload == "tools" || workload == "hold" ||
               workload.starts_with("stamped");
    }
};

/// @param others  the names of what a program is told after `BASE_URL WORKLOAD`
inline target parse_target(int argc, char** argv, std::initializer_list<const char*> others)
{
    if (argc != 3 + static_cast<int>(others.size()))
    {
        std::string usage = "usage: PROGRAM BASE_URL WORKLOAD";
        for (const char* const name : others)
            usage.append(1, ' ').append(name);
        throw std::invalid_argument(usage);
    }
    target parsed;
    parsed.base_url = argv[1];
    parsed.workload = argv[2];
    const auto& url = parsed.base_url;
    const auto host = url.find("://") + 3;
    const auto colon = url.rfind(':');
    parsed.tls = url.starts_with("https");
    parsed.host = url.substr(host, colon - host);
    parsed.port = url.substr(colon + 1);
    return parsed;
}

/// REQUESTS in all, of which CONCURRENCY run at a time, and WARM_UP before them in the same way.
struct job : target
{
    long requests = 0;
    long concurrency = 1;
    long warm_up = 1;
};

inline job parse_job(int argc, char** argv)
{
    job parsed{parse_target(argc, argv, {"REQUESTS", "CONCURRENCY", "WARM_UP"})};
    parsed.requests = std::atol(argv[3]);
    parsed.concurrency = std::atol(argv[4]);
    parsed.warm_up = std::atol(argv[5]);
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

/// Measures from its construction to `report`, which comes with the last answer.
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

/// Does the job. @param run  makes so many requests and returns what they brought
template <class Run>
void measure(const job& what, Run&& run)
{
    static_cast<void>(run(what.warm_up));  // nobody's start counts
    const meter time;
    time.report(run(what.requests));
}

/// What `main` of each program does: `body()`, which ends the program with a message when it throws.
template <class Body>
int run_program(Body&& body)
try
{
    body();
    return EXIT_SUCCESS;
}
catch (const std::exception& error)
{
    std::cerr << "error: " << error.what() << '\n';
    return EXIT_FAILURE;
}

/// A program that does the job: `body(job)`.
template <class Body>
int run_job(int argc, char** argv, Body&& body)
{
    return run_program([&] { body(parse_job(argc, argv)); });
}

inline std::string path_of(const target& what)
{
    return "/" + what.workload +
           (what.workload == "embeddings" ? "/v1/embeddings" : "/v1/chat/completions");
}

inline std::string body_of(const target& what)
{
    if (what.workload == "embeddings")
        return R"({"model":"bench","input":"hello"})";
    return std::string(R"({"model":"bench","messages":[{"role":"user","content":"hello"}])") +
           (what.streams() ? R"(,"stream":true})" : "}");
}

inline const char* accepted_by(const target& what)
{
    return what.streams() ? "text/event-stream" : "application/json";
}

/// The request that all of them send.
inline std::string request_text(const target& what)
{
    const auto body = body_of(what);
    return "POST " + path_of(what) + " HTTP/1.1\r\nHost: " + what.host + ":" + what.port +
           "\r\nAuthorization: Bearer test-key\r\nContent-Type: application/json\r\nAccept: " +
           accepted_by(what) + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           body;
}

}  // namespace regolo::bench
