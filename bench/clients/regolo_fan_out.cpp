// The same job as regolo_client.cpp through `fan_out`, for answers without streaming: REQUESTS prompts, CONCURRENCY in flight.

#include "clients/regolo_setup.hpp"

#include <regolo.hpp>
#include <regolo/fan_out.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <optional>

namespace regolo::bench {

namespace {

namespace asio = boost::asio;

asio::awaitable<void> ask(const client& from, long requests, long concurrency, counts& so_far)
{
    const auto next = [left = requests]() mutable -> std::optional<chat_request> {
        if (left-- == 0)
            return std::nullopt;
        return chat_request("bench", "hello");
    };
    fan_out_options options;
    options.max_in_flight = static_cast<std::size_t>(concurrency);
    auto answers = from.fan_out(next, options);
    while (const auto done = co_await answers.next())
    {
        so_far.text_bytes += done->result.value().text().size();
        ++so_far.requests;
    }
}

void run(const job& what)
{
    asio::io_context io(1);
    const client with(io, config_for(what, static_cast<std::size_t>(what.concurrency)));
    measure(what, [&](long requests) {
        counts done;
        run_to_end(io, ask(with, requests, what.concurrency, done));
        return done;
    });
}

}  // namespace

}  // namespace regolo::bench

int main(int argc, char** argv)
{
    using namespace regolo::bench;
    return run_job(argc, argv, run);
}
