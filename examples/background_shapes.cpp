// What doc/without_asio.md shows, run one after the other. A test checks that the code of the page is found here.

#include <regolo/background.hpp>

#include <atomic>
#include <chrono>
#include <exception>
#include <future>
#include <iostream>
#include <stop_token>
#include <thread>

namespace {

using namespace std::chrono_literals;

std::atomic<bool> interrupted{false};

void draw_frame() { std::this_thread::sleep_for(16ms); }

void ask()
{
    regolo::background api;  // key and URL from the environment; keep one
    auto answer = api.chat({"Llama-3.3-70B-Instruct", "Hello"}).get();
    std::cout << answer.text() << '\n';
}

void poll(regolo::background& api)
{
    regolo::chat_job job = api.stream_chat({"Llama-3.3-70B-Instruct", "Tell me about Rome."});
    while (!job.done())
    {
        while (auto chunk = job.try_next())
            std::cout << chunk->text();
        draw_frame();
    }
    std::cout << '\n';
}

void block(regolo::background& api)
{
    auto job = api.stream_chat({"Llama-3.3-70B-Instruct", "Tell me about Milan."});
    while (auto chunk = job.next())
        std::cout << chunk->text() << std::flush;
    std::cout << '\n';
}

bool stop_a_whole_answer(regolo::background& api)
{
    std::stop_source button;
    regolo::call_options options;
    options.stop = button.get_token();
    auto answer = api.chat({"Llama-3.3-70B-Instruct", "Hello"}, options);
    while (answer.wait_for(50ms) != std::future_status::ready)
        if (interrupted)  // set by a signal handler
            button.request_stop();
    return !answer.get().text().empty();
}

}  // namespace

int main()
try
{
    ask();
    regolo::background api;
    poll(api);
    block(api);
    if (!stop_a_whole_answer(api))
        return 1;
    std::cout << "all shapes ran\n";
}
catch (const std::exception& e)
{
    std::cerr << "error: " << e.what() << '\n';
    return 1;
}
