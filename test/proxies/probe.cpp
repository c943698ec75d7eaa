// What scripts/test_proxies.sh runs: exchanges through a proxy, the comparison with curl, and small servers for it.

#include "support/test_proxy.hpp"

#include <regolo.hpp>
#include <regolo/testing/run.hpp>

#include <boost/asio/signal_set.hpp>
#include <boost/asio/this_coro.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr const char* usage =
    R"(usage: regolo_proxy_probe chat|stream PROXY BASE_URL [NO_PROXY]   one exchange, told in a line
       regolo_proxy_probe compare FILE       the rules in FILE (no_proxy, host, port; tabs between) against curl
       regolo_proxy_probe silent PORT_FILE   a server that never answers, until SIGTERM
)";

regolo::client_config quick_config()
{
    auto config = regolo::client_config::from_environment();
    config.time.connect = 2s;
    config.time.total = 20s;
    config.retry.initial_delay = 1ms;
    config.retry.max_retries = 1;
    config.allow_plaintext = true;
    return config;
}

std::string tell(const regolo::error_info& info)
{
    std::ostringstream line;
    line << "error [" << info.code.message() << "] where " << to_string(info.where) << " status "
         << info.http_status << " attempts " << info.attempts << " sent " << info.sent << ": "
         << regolo::describe(info);
    return line.str();
}

asio::awaitable<std::string> ask(bool as_stream, regolo::client_config config)
{
    const regolo::client one(co_await asio::this_coro::executor, std::move(config));
    const regolo::chat_request request("sim-chat", "count to 5");
    if (!as_stream)
    {
        const auto answer = co_await regolo::try_await(one.chat(request));
        co_return answer ? "answer " + std::string(answer->text()) : tell(answer.error());
    }
    auto stream = co_await regolo::try_await(one.stream_chat(request));
    if (!stream)
        co_return tell(stream.error());
    const auto whole = co_await regolo::try_await(stream->finish(10s));
    co_return whole ? "answer " + std::string(whole->text()) : tell(whole.error());
}

int exchange(const std::vector<std::string>& words)
{
    auto config = quick_config();
    config.proxy = regolo::proxy_options(words.at(1));
    config.base_url = words.at(2);
    if (words.size() > 3)
        config.proxy.bypass = words[3];
    std::cout << regolo::testing::run(ask(words[0] == "stream", std::move(config)), 30s) << '\n';
    return 0;
}

// ---- no_proxy, as curl understands it

struct rule
{
    std::string no_proxy;
    std::string host;
    std::string port;

    [[nodiscard]] std::string url() const
    {
        return "http://" + (host.find(':') == host.npos ? host : '[' + host + ']') + ':' + port;
    }
};

std::vector<rule> read_rules(const std::string& path)
{
    std::ifstream file(path);
    if (!file)
        throw std::runtime_error("cannot read " + path);
    std::vector<rule> rules;
    for (std::string line; std::getline(file, line);)
    {
        if (line.starts_with('#'))
            continue;
        std::istringstream fields(line);
        rule next;
        std::getline(fields, next.no_proxy, '\t');
        std::getline(fields, next.host, '\t');
        std::getline(fields, next.port, '\t');
        if (next.port.empty())
            throw std::runtime_error("not three fields: " + line);
        rules.push_back(next);
    }
    return rules;
}

/// Both are told of proxy and rule in the environment, and reach a proxy that says 418 or nobody at all.
bool asks_proxy(const rule& each)
{
    auto config = quick_config();
    config.base_url = each.url();
    config.time.connect = 300ms;
    config.retry.max_retries = 0;
    const auto told = regolo::testing::run(ask(false, std::move(config)), 10s);
    return told.find("status 418") != told.npos;
}

bool curl_asks_proxy(const rule& each)
{
    const auto command =
        "curl -s -o /dev/null -w '%{http_code}' --connect-timeout 0.3 --max-time 2 '" + each.url() +
        "/'";
    const std::unique_ptr<FILE, int (*)(FILE*)> output(::popen(command.c_str(), "r"), &::pclose);
    if (!output)
        throw std::runtime_error("cannot run curl");
    std::array<char, 16> status{};
    if (std::fgets(status.data(), status.size(), output.get()) == nullptr)
        throw std::runtime_error("curl says nothing: is it installed?");
    return std::string(status.data()) == "418";
}

int compare(const std::string& path)
{
    regolo::test::test_proxy::behaviour teapot;
    teapot.answer = "HTTP/1.1 418 I'm a teapot\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    const regolo::test::test_proxy proxy(teapot);
    for (const auto* variable : {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "NO_PROXY"})
        ::unsetenv(variable);
    ::setenv("http_proxy", proxy.url().c_str(), 1);
    int same = 0;
    for (const auto& each : read_rules(path))
    {
        ::setenv("no_proxy", each.no_proxy.c_str(), 1);
        const bool ours = asks_proxy(each);
        const bool theirs = curl_asks_proxy(each);
        if (ours == theirs)
        {
            ++same;
            continue;
        }
        std::cout << each.no_proxy << '\t' << each.host << '\t' << each.port << '\t'
                  << (ours ? "proxy" : "direct") << '\t' << (theirs ? "proxy" : "direct") << '\n';
    }
    std::cout << "same " << same << '\n';
    return 0;
}

// ---- a server

int be_silent(const std::string& port_file)
{
    regolo::test::test_proxy::behaviour how;
    how.is_silent = true;
    const regolo::test::test_proxy server(how);
    std::ofstream(port_file) << server.url().substr(server.url().rfind(':') + 1) << std::flush;
    asio::io_context io;
    asio::signal_set stop(io, SIGTERM, SIGINT);
    stop.async_wait([](boost::system::error_code, int) {});
    io.run();
    return 0;
}

int perform(const std::vector<std::string>& words)
{
    const auto is = [&](const char* name, std::size_t least) {
        return !words.empty() && words[0] == name && words.size() > least;
    };
    if (is("chat", 2) || is("stream", 2))
        return exchange(words);
    if (is("compare", 1))
        return compare(words[1]);
    if (is("silent", 1))
        return be_silent(words[1]);
    std::cerr << usage;
    return 2;
}

}  // namespace

int main(int argc, char** argv)
{
    try
    {
        return perform({argv + 1, argv + argc});
    }
    catch (const std::exception& failure)
    {
        std::cerr << "regolo_proxy_probe: " << failure.what() << '\n';
        return 1;
    }
}
