// F2, the floor of many connections at a time: one thread of epoll, and OpenSSL where there is TLS. Like F1 it counts events,
// and looks at nothing else in them.

#include "clients/answer_counter.hpp"
#include "clients/epoll_connections.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

namespace regolo::bench {

namespace {

class floor_client
{
public:
    explicit floor_client(const job& what)
        : what_(what), request_(request_text(what)), connections_(what)
    {}

    [[nodiscard]] counts run(long requests)
    {
        counts_ = {};
        long begun = 0;
        for (; begun != std::min(requests, what_.concurrency); ++begun)
        {
            const auto at = static_cast<std::size_t>(begun);
            auto& with = at == connections_.size() ? connections_.open(what_.streams(), counts_)
                                                   : connections_[at];
            with.ask(request_);
        }
        while (counts_.requests != static_cast<std::uint64_t>(requests))
        {
            connections_.wait([&](auto& done) {
                if (begun == requests)
                    return;
                ++begun;
                done.ask(request_);
            });
        }
        return counts_;
    }

private:
    const job& what_;
    const std::string request_;
    counts counts_;
    epoll_connections<answer_counter> connections_;
};

void run(const job& what)
{
    floor_client client(what);
    measure(what, [&](long requests) { return client.run(requests); });
}

}  // namespace

}  // namespace regolo::bench

int main(int argc, char** argv)
{
    using namespace regolo::bench;
    return run_job(argc, argv, run);
}
