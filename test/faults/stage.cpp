#include "faults/stage.hpp"

#include <boost/asio/co_spawn.hpp>

#include <chrono>
#include <cstdlib>
#include <utility>

namespace regolo::test {

namespace {

using namespace std::chrono_literals;

// Longer than any limit or pause of a client here: whoever is not done by then will never be.
constexpr auto for_ever = 1h;

}  // namespace

std::size_t fault_stride()
{
    const char* text = std::getenv("REGOLO_FAULT_STRIDE");
    const long value = text == nullptr ? 0 : std::strtol(text, nullptr, 10);
    return value > 0 ? static_cast<std::size_t>(value) : 17;
}

void outcome::note(std::exception_ptr problem, std::string result)
{
    is_done = true;
    text = std::move(result);
    if (!problem)
        return;
    try
    {
        std::rethrow_exception(problem);
    }
    catch (const error& known)
    {
        failure = known.info();
    }
    catch (...)
    {
        other = std::current_exception();
    }
}

stage::stage(transport how) : server(std::in_place, peer_io, how), how_(how) {}

stage::~stage() = default;

client_config stage::config() const
{
    client_config config(credential("test-key"));
    const auto here = "127.0.0.1:" + std::to_string(server->port());
    const std::string scheme = is_encrypted(how_) ? "https://" : "http://";
    config.base_url = scheme + here;
    if (how_ == transport::proxy || how_ == transport::tunnel)
        config.proxy = proxy_options("http://" + here);
    config.tls.ca_pem = server->ca_pem();
    config.retry.max_retries = 0;
    config.time.connect = 10s;
    config.time.send = 10s;
    config.time.head = 20s;
    config.time.first_event = 20s;
    config.time.idle = 5s;
    return config;
}

void stage::open(const client_config& with)
{
    user.reset();
    user.emplace(testing::make_client(io.get_executor(), with, clock_));
}

bool stage::turn()
{
    io.restart();
    const auto own = poll_client();
    handlers_ += own;
    peer_io.restart();
    return own + peer_io.poll() != 0;
}

bool stage::go_on()
{
    // What was sent over loopback is there at once; the second look is for what the first one has set free.
    if (turn() || turn())
        return true;
    const auto next = clock_.next();
    if (!next || elapsed_ > for_ever)
        return false;
    pass(*next);
    return true;
}

void stage::pass(std::chrono::nanoseconds time)
{
    clock_.advance(time);
    elapsed_ += time;
}

void stage::start(const exchange_kind& kind, outcome& into, std::stop_token stop)
{
    call_options options;
    options.stop = std::move(stop);
    asio::co_spawn(io, kind.run(*user, std::move(options)),
                   [&into](std::exception_ptr failure, std::string text) {
                       into.note(std::move(failure), std::move(text));
                   });
}

outcome stage::run(const exchange_kind& kind)
{
    outcome result;
    elapsed_ = {};
    start(kind, result);
    run_until([&] { return result.is_done; });
    return result;
}

bool stage::settle()
{
    return run_until([&] {
        const auto now = user ? user->stats() : client_stats();
        return now.calls == 0 && now.connecting == 0 && now.in_use == 0 && now.waiting == 0 &&
               now.draining == 0 && server->open_connections() <= now.idle;
    });
}

}  // namespace regolo::test
