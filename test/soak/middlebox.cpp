// The client of middlebox.sh: says what is to happen to its network ("cut" when the connections that it has are to be forgotten
// by the way, "name ADDRESS" when its server's name is to have another one), waits for a line, and checks that what follows
// ends as documented.

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

/// Blocks the only thread: nothing of the client runs while it happens.
void order(const std::string& what)
{
    std::cout << what << std::endl;
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
    order("cut");
    got = co_await ask(from);
    require(!got && got.error().code == errc::head_timeout && got.error().sent,
            "a call on an idle connection that the way has forgotten", got);
    require(from.stats().connections_reused == 1, "it was the idle connection", got);
    got = co_await ask(from);
    require(got.has_value(), "the next call", got);

    auto stream = co_await from.stream_chat({"sim-endless", "go"});
    static_cast<void>(co_await stream.next());
    order("cut");
    std::string text;
    const auto rest = co_await try_await(read_on<chat_chunk>(stream, text, manner::plain));
    got = rest ? result<std::string>(text) : result<std::string>(rest.error());
    require(!got && got.error().code == errc::idle_timeout, "a stream whose way is lost", got);
    got = co_await ask(from);
    require(got.has_value(), "the call after it", got);
    require(from.stats().calls == 0 && from.stats().in_use == 0, "nothing is left", got);
    from.close();
}

/// By the system's resolver. The server is at one address, at the other there is nobody.
asio::awaitable<void> follow_a_name(const client_config& config)
{
    constexpr const char* here = "name 127.0.0.1";
    constexpr const char* gone = "name 127.0.0.2";
    const auto executor = co_await asio::this_coro::executor;
    const client patient(executor, config);  // a look-up is good for 30 s
    order(gone);
    auto got = co_await ask(patient);
    require(!got && got.error().code == asio::error::connection_refused && !got.error().sent,
            "a call where the name leads to nobody", got);
    order(here);
    got = co_await ask(patient);
    require(got.has_value(), "the address that failed is forgotten", got);
    order(gone);
    got = co_await ask(patient);
    require(got.has_value() && patient.stats().connections_reused == 1,
            "a connection outlives its name", got);
    auto busy = co_await patient.stream_chat({"sim-endless", "go"});
    got = co_await ask(patient);
    require(got.has_value() && patient.stats().connections_opened == 2,
            "a new connection within the time of dns_cache", got);
    static_cast<void>(co_await busy.next());
    patient.close();

    auto every_time = config;
    every_time.pool.dns_cache = {};
    const client curious(executor, every_time);
    order(here);
    auto kept = co_await curious.stream_chat({"sim-endless", "go"});
    static_cast<void>(co_await kept.next());
    order(gone);
    got = co_await ask(curious);
    require(!got && got.error().code == asio::error::connection_refused,
            "a new connection without dns_cache", got);
    require((co_await kept.next()).has_value(), "the stream goes on", got);
    curious.close();
}

asio::awaitable<void> meet_both(const client& from, const client_config& named)
{
    co_await lose_connections(from);
    co_await follow_a_name(named);
}

}  // namespace

}  // namespace regolo::soak

int main(int argc, char** argv)
try
{
    using namespace regolo::soak;
    if (argc != 3)
        throw std::invalid_argument("usage: regolo_middlebox URL URL_WITH_NAME");
    regolo::client_config config(regolo::credential("test-key"));
    config.base_url = argv[1];
    config.time.head = limit;
    config.time.idle = limit;
    config.time.first_event = limit;
    boost::asio::io_context io{1};
    const regolo::client from(io, config);
    auto named = config;
    named.base_url = argv[2];
    named.allow_plaintext = true;
    named.retry.max_retries = 0;
    bool done = false;
    boost::asio::co_spawn(io, meet_both(from, named), [&](const std::exception_ptr& failure) {
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
