// Many prompts at a server that takes few at once: how many it had to refuse, and whether memory stays flat.
//
//   regolo_bench_fan_out [prompts | file] [places] [max_in_flight]
//
// The server, in this process, answers after 5 ms and refuses with "retry-after: 1" whatever comes while all its places
// are taken. The prompts come one by one, from a function or from the lines of the file.

#include <regolo.hpp>
#include <regolo/testing.hpp>

#include <boost/asio.hpp>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <unistd.h>

namespace {

namespace asio = boost::asio;
using namespace regolo::testing;
using namespace std::chrono_literals;

std::size_t resident_kib()
{
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages >> pages;
    return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) / 1024;
}

/// Takes `places` requests at once.
class small_server
{
public:
    explicit small_server(std::size_t places) : places_(places), server_(options())
    {
        server_.on_request([this](const received_request&) { return answer(); });
    }

    [[nodiscard]] std::string url() const { return server_.url(); }
    [[nodiscard]] std::size_t refused() const { return refused_; }

private:
    static server_options options()
    {
        auto plain = server_options::plain();
        plain.kept_requests = 0;
        return plain;
    }

    script answer()
    {
        if (active_ >= places_)
        {
            ++refused_;
            return script().respond(429, "text/plain", "slow down", "retry-after: 1\r\n");
        }
        ++active_;
        auto left = std::make_shared<std::string>(whole_);
        return script().pause(5ms).stream([this, left](std::string& piece) {
            if (left->empty())
                return false;
            piece = std::exchange(*left, {});
            --active_;
            return true;
        });
    }

    const std::size_t places_;
    std::atomic<std::size_t> active_{0};
    std::atomic<std::size_t> refused_{0};
    const std::string whole_ = [] {
        const std::string body =
            R"({"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant",)"
            R"("content":"yes"},"finish_reason":"stop"}],"usage":{"total_tokens":3}})";
        return http_head(200, "content-type: application/json\r\ncontent-length: " +
                                  std::to_string(body.size()) + "\r\n") +
               body;
    }();
    test_server server_;
};

using prompt_source = std::function<std::optional<regolo::chat_request>()>;

prompt_source generated(std::size_t count)
{
    return [next = std::size_t(0), count]() mutable -> std::optional<regolo::chat_request> {
        if (next == count)
            return std::nullopt;
        return regolo::chat_request("sim-chat", "Question " + std::to_string(next++));
    };
}

prompt_source lines_of(const std::string& path)
{
    auto file = std::make_shared<std::ifstream>(path);
    if (!*file)
        throw std::runtime_error("cannot read " + path);
    return [file]() -> std::optional<regolo::chat_request> {
        std::string line;
        if (!std::getline(*file, line))
            return std::nullopt;
        return regolo::chat_request("sim-chat", line);
    };
}

asio::awaitable<void> ask(const small_server& server, prompt_source prompts, std::size_t in_flight)
{
    regolo::client_config config;
    config.base_url = server.url();
    config.key = "test-key";
    const regolo::client client(co_await asio::this_coro::executor, config);
    auto answers = client.fan_out(std::move(prompts), {.max_in_flight = in_flight});
    std::size_t answered = 0;
    std::size_t seen = 0;
    std::size_t step = 1000;
    while (auto done = co_await answers.next())
    {
        answered += done->result ? 1 : 0;
        if (++seen % step != 0)
            continue;
        if (seen == 10 * step)
            step *= 10;
        std::cout << seen << " done, " << resident_kib() << " KiB resident\n" << std::flush;
    }
    std::cout << answered << " of " << seen << " answered, " << server.refused()
              << " requests refused ("
              << 100.0 * static_cast<double>(server.refused()) /
                     static_cast<double>(seen + server.refused())
              << " %)\n";
}

}  // namespace

int main(int argc, char** argv)
try
{
    const auto number = [&](int at, std::size_t otherwise) {
        return argc > at ? std::strtoul(argv[at], nullptr, 10) : otherwise;
    };
    const std::string prompts = argc > 1 ? argv[1] : "100000";
    const bool counted = prompts.find_first_not_of("0123456789") == std::string::npos;
    const small_server server(number(2, 50));
    const auto began = std::chrono::steady_clock::now();
    run(ask(server, counted ? generated(std::stoul(prompts)) : lines_of(prompts), number(3, 64)),
        1h);
    const auto took = std::chrono::steady_clock::now() - began;
    std::cout << std::chrono::duration<double>(took).count() << " s\n";
}
catch (const std::exception& failure)
{
    std::cerr << failure.what() << '\n';
    return 1;
}
