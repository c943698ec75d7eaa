#include <regolo.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_future.hpp>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

// Asks a server for its models, and says on one line what came of it: for scripts/test_tls.sh.

namespace {

namespace asio = boost::asio;

struct task
{
    task() = default;

    regolo::client_config config;
    int requests = 1;
    std::vector<std::string> urls;  // each is asked that often, in turn
};

std::string contents_of(const std::string& path)
{
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

task parse(const std::vector<std::string>& arguments)
{
    task parsed;
    auto& tls = parsed.config.tls;
    for (std::size_t i = 0; i < arguments.size(); ++i)
    {
        const auto& option = arguments[i];
        if (option == "--skip")
        {
            tls.dangerously_skip_verification = true;
            continue;
        }
        if (!option.starts_with("--"))
        {
            parsed.urls.push_back(option);
            continue;
        }
        const auto& value = arguments.at(++i);
        if (option == "--ca")
            tls.ca_file = value;
        else if (option == "--ca-pem")
            tls.ca_pem = contents_of(value);
        else if (option == "--crl")
            tls.crl_file = value;
        else if (option == "--cert")
            tls.client_cert_file = value;
        else if (option == "--key")
            tls.client_key_file = value;
        else if (option == "--proxy")
            parsed.config.proxy = regolo::proxy_options(value);
        else if (option == "--requests")
            parsed.requests = std::stoi(value);
        else
            throw std::invalid_argument("unknown option " + option);
    }
    parsed.config.base_url = parsed.urls.at(0);
    parsed.config.retry.initial_delay = std::chrono::milliseconds(1);
    parsed.config.pool.max_idle = 0;  // every request has a connection of its own
    return parsed;
}

asio::awaitable<regolo::client_stats> ask(task what)
{
    const regolo::client client(co_await asio::this_coro::executor, what.config);
    for (const auto& url : what.urls)
    {
        regolo::call_options options;
        options.base_url = url;
        for (int i = 0; i < what.requests; ++i)
            co_await client.models(options);
    }
    co_return client.stats();
}

}  // namespace

int main(int argc, char** argv)
{
    try
    {
        const auto what = parse({argv + 1, argv + argc});
        asio::io_context io(1);
        auto outcome = asio::co_spawn(io, ask(what), asio::use_future);
        io.run();
        const auto stats = outcome.get();
        std::printf("accepted attempts %llu resumed %llu\n",
                    static_cast<unsigned long long>(stats.connections_opened),
                    static_cast<unsigned long long>(stats.tls_resumed));
    }
    catch (const regolo::error& refused)
    {
        const auto& info = refused.info();
        const auto name = info.code.category() == regolo::error_category()
                              ? std::string(to_string(static_cast<regolo::errc>(info.code.value())))
                              : info.code.message();
        std::printf("%s attempts %d %s\n", name.c_str(), info.attempts, refused.what());
    }
    catch (const std::exception& unexpected)
    {
        std::fprintf(stderr, "probe: %s\n", unexpected.what());
        return 1;
    }
}
