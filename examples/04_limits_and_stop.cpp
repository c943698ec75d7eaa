// Time limits, a wait that gives up without ending the stream, and a stop button that another thread
// or Ctrl-C presses.

#include "common.hpp"

#include <boost/asio/signal_set.hpp>
#include <boost/asio/this_coro.hpp>

#include <chrono>
#include <csignal>
#include <optional>
#include <stop_token>
#include <thread>

namespace {

asio::awaitable<void> watch(std::stop_source button)
{
    using namespace std::chrono_literals;

    regolo::client_config config = regolo::client_config::from_environment();
    config.time.connect = 5s;
    config.retry.max_retries = 4;
    regolo::client client(co_await asio::this_coro::executor, config);

    regolo::call_options options;
    options.time.total = 30s;  // this call alone, all attempts together
    options.stop = button.get_token();

    asio::signal_set signals(co_await asio::this_coro::executor, SIGINT);
    signals.async_wait([button](boost::system::error_code failed, int) mutable {
        if (!failed)
            button.request_stop();
    });

    regolo::chat_request request(example_model(), "Tell me something long about Rome.");
    auto stream = co_await client.stream_chat(request, options);
    std::optional<regolo::error_info> failure;
    for (;;)
    {
        auto chunk = co_await regolo::try_await(stream.next_for(20ms));
        if (!chunk && chunk.error().code == regolo::errc::wait_timeout)
            std::cout << '.' << std::flush;  // nothing yet; the stream is whole
        else if (!chunk)
        {
            failure = chunk.error();
            break;
        }
        else if (!*chunk)
            break;  // at its end
        else
            std::cout << (*chunk)->text() << std::flush;
    }
    const char* how = "whole";
    if (failure)
        how = failure->code == asio::error::operation_aborted ? "stopped" : "failed";
    // What arrived before a stop or a failure is not lost.
    std::cout << '\n' << how << ", " << stream.text().size() << " bytes of text\n";
    if (failure)
        std::cerr << regolo::describe(*failure) << '\n';
}

}  // namespace

int main()
{
    std::stop_source button;
    std::jthread user([button]() mutable {
        std::this_thread::sleep_for(std::chrono::seconds(1));
        button.request_stop();
    });
    return run(watch(button));
}
