// The same job as regolo_client.cpp through `fan_out`, for answers without streaming: REQUESTS prompts, CONCURRENCY in flight.

#include "clients/regolo_setup.hpp"

#include <regolo.hpp>
#include <regolo/fan_out.hpp>

#include <boost/asio/co_spawn.hpp>
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

counts run(asio::io_context& io, const client& from, long requests, long concurrency)
{
    counts done;
    asio::co_spawn(io, ask(from, requests, concurrency, done),
                   [&](const std::exception_ptr& failure) {
                       rethrow(failure);
                       io.stop();
                   });
    io.run();
    io.restart();
    return done;
}

}  // namespace

}  // namespace regolo::bench

int main(int argc, char** argv)
try
{
    using namespace regolo::bench;
    const auto what = parse_job(argc, argv);
    boost::asio::io_context io(1);
    const regolo::client client(io, config_for(what, static_cast<std::size_t>(what.concurrency)));
    run(io, client, 1, 1);
    const meter time;
    time.report(run(io, client, what.requests, what.concurrency));
    return EXIT_SUCCESS;
}
catch (const std::exception& error)
{
    std::cerr << "error: " << error.what() << '\n';
    return EXIT_FAILURE;
}
