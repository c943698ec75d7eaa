// The client of middlebox.sh: says "cut" when the connections that it has are to be forgotten by the way, waits for a line,
// and checks that what follows ends as documented.

#include "soak/reading.hpp"

#include <regolo/client.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>

namespace regolo::soak {

namespace {

using namespace std::chrono_literals;

constexpr auto limit = 2s;
constexpr auto watchdog = 60s;

/// Blocks the only thread: nothing of the client runs while the packets begin to be dropped.
void have_it_cut()
{
    std::cout << "cut" << std::endl;
    std::string line;
    std::getline(std::cin, line);
}

void require(bool holds, const std::string& what, const result<std::string>& got)
{
    const auto outcome = got ? "an answer" : describe(got.error());
    std::cout << (holds ? "ok: " : "FAILED: ") << what << ": " << outcome << std::endl;
    if (!holds)
        throw std::runtime_error(what);
}

asio::awaitable<result<std::string>> ask(const client& from)
{
    co_return co_await try_await(as_text(from.chat({"sim-chat", "hello"})));
}

asio::awaitable<void> lose_connections(const client& from)
{
    auto got = co_await ask(from);
    require(got.has_value(), "a first call", got);
    have_it_cut();
    got = co_await ask(from);
    require(!got && got.error().code == errc::head_timeout && got.error().sent,
            "a call on an idle connection that the way has forgotten", got);
    require(from.stats().connections_reused == 1, "it was the idle connection", got);
    got = co_await ask(from);
    require(got.has_value(), "the next call", got);

    auto stream = co_await from.stream_chat({"sim-endless", "go"});
    static_cast<void>(co_await stream.next());
    have_it_cut();
    std::string text;
    const auto rest = co_await try_await(read_on<chat_chunk>(stream, text, manner::plain));
    got = rest ? result<std::string>(text) : result<std::string>(rest.error());
    require(!got && got.error().code == errc::idle_timeout, "a stream whose way is lost", got);
    got = co_await ask(from);
    require(got.has_value(), "the call after it", got);
    require(from.stats().calls == 0 && from.stats().in_use == 0, "nothing is left", got);
    from.close();
}

}  // namespace

}  // namespace regolo::soak

int main(int argc, char** argv)
try
{
    using namespace regolo::soak;
    if (argc != 2)
        throw std::invalid_argument("usage: regolo_middlebox URL");
    regolo::client_config config(regolo::credential("test-key"));
    config.base_url = argv[1];
    config.time.head = limit;
    config.time.idle = limit;
    config.time.first_event = limit;
    boost::asio::io_context io{1};
    const regolo::client from(io, config);
    bool done = false;
    boost::asio::co_spawn(io, lose_connections(from), [&](const std::exception_ptr& failure) {
        if (failure)
            std::rethrow_exception(failure);
        done = true;
    });
    io.run_for(watchdog);
    if (!done)
        throw std::runtime_error("it hangs");
    return EXIT_SUCCESS;
}
catch (const std::exception& error)
{
    std::cout << "FAILED: " << error.what() << std::endl;
    return EXIT_FAILURE;
}
