// A loop of 60 frames a second that shows an answer as it arrives and is never held up by it. It has
// no coroutines and names nothing of Asio.
//
// The key q (and Enter, unless the terminal is told otherwise) stops the answer.

#include <regolo/background.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <iostream>
#include <poll.h>
#include <thread>
#include <unistd.h>

namespace {

/// Whether q has been typed. Does not wait.
bool stop_key()
{
    pollfd input{STDIN_FILENO, POLLIN, 0};
    char key = 0;
    while (::poll(&input, 1, 0) == 1 && ::read(STDIN_FILENO, &key, 1) == 1)
        if (key == 'q')
            return true;
    return false;
}

}  // namespace

int main(int argc, char** argv)
try
{
    using clock = std::chrono::steady_clock;
    constexpr std::chrono::microseconds frame(16667);

    regolo::background api;  // a client and its thread; key and URL from the environment
    auto job = api.stream_chat({argc > 1 ? argv[1] : "Llama-3.3-70B-Instruct", "Count to 100."});

    clock::duration longest{};
    for (auto start = clock::now(); !job.done(); std::this_thread::sleep_until(start += frame))
    {
        const auto begin = clock::now();
        while (auto chunk = job.try_next())  // what has arrived; never waits
            std::cout << chunk->text();
        std::cout << std::flush;
        if (stop_key())
            job.stop();
        longest = std::max(longest, clock::now() - begin);
        // ... here the program moves and draws
    }

    const bool stopped = job.ended_as() == regolo::stream_end::closed;
    std::cout << (stopped ? "\nstopped after " : "\ncomplete with ") << job.partial().text().size()
              << " bytes; the longest frame took "
              << std::chrono::duration<double, std::milli>(longest).count() << " ms\n";
}
catch (const std::exception& e)
{
    std::cerr << "\nerror: " << e.what() << '\n';
    return 1;
}
