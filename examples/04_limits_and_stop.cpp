// Time limits, a wait that gives up without ending the stream, and a stop button in another thread.

#include "common.hpp"

#include <chrono>
#include <stop_token>
#include <thread>

namespace {

asio::awaitable<void> watch(std::stop_token stop)
{
    using namespace std::chrono_literals;

    regolo::client_config config = regolo::client_config::from_environment();
    config.time.connect = 5s;
    config.retry.max_retries = 4;
    regolo::client client(co_await asio::this_coro::executor, config);

    regolo::call_options options;
    options.time.total = 30s;  // this call alone, all attempts together
    options.stop = stop;

    regolo::chat_request request(example_model(), "Tell me something long about Rome.");
    auto stream = co_await client.stream_chat(request, options);
    for (;;)
    {
        auto chunk = co_await regolo::try_await(stream.next_for(20ms));
        if (!chunk && chunk.error().code == regolo::errc::wait_timeout)
            std::cout << '.' << std::flush;  // nothing yet; the stream is whole
        else if (!chunk || !*chunk)
            break;  // stopped or failed, or at its end
        else
            std::cout << (*chunk)->text() << std::flush;
    }
    // What arrived before the stop is not lost.
    std::cout << '\n' << stream.partial().text().size() << " bytes of text\n";
}

}  // namespace

int main()
{
    std::stop_source button;
    std::jthread user([button](std::stop_token) mutable {
        std::this_thread::sleep_for(std::chrono::seconds(1));
        button.request_stop();
    });
    return run(watch(button.get_token()));
}
