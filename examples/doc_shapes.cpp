// What the pages under doc show beside the other examples, one function each, run one after the
// other. A test checks that the code of the pages is found here or there.

#include "common.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;

// ---- doc/streaming.md

asio::awaitable<void> all_of_a_chunk(regolo::client& client)
{
    regolo::chat_request request("gpt-oss-120b", "Tell me something about Rome.");
    auto stream = co_await client.stream_chat(request);
    regolo::chat_chunk chunk;
    while (co_await stream.next(chunk))
    {
        std::cout << chunk.reasoning() << chunk.text();  // either is empty where nothing came
        if (chunk.usage && chunk.usage->completion_tokens)
            std::cout << "\ntokens: " << *chunk.usage->completion_tokens;
        if (!chunk.finish_reason().empty())
            std::cout << "\nended by: " << chunk.finish_reason();  // "stop", "length", ...
    }
    std::cout << '\n';
}

asio::awaitable<void> keep_what_came(regolo::client& client)
{
    regolo::chat_request request("cut-mid-stream", "Tell me something about Rome.");
    auto stream = co_await client.stream_chat(request);
    regolo::chat_chunk chunk;
    try
    {
        while (co_await stream.next(chunk))
            std::cout << chunk.text() << std::flush;
    }
    catch (const regolo::error& e)
    {
        std::cerr << '\n' << e.what() << '\n';
    }
    if (stream.ended_as() == regolo::stream_end::failed)
        std::cout << "as far as it came: " << stream.partial().text() << '\n';
}

asio::awaitable<void> limits_of_a_stream(regolo::client& client)
{
    regolo::chat_request request("Llama-3.3-70B-Instruct", "Tell me something about Rome.");
    regolo::call_options options;
    options.time.head = 20s;  // no answer at all: many servers send its head with the first token
    options.time.first_event = 20s;  // the head has come, and the model has not begun
    options.time.idle = 10s;         // it has stopped in the middle
    options.time.total = 2min;       // however well it goes
    auto stream = co_await client.stream_chat(request, options);
    while (auto chunk = co_await stream.next())
        std::cout << chunk->text() << std::flush;
}

asio::awaitable<void> first_words(regolo::client& client)
{
    regolo::chat_request request("sim-endless", "Count.");
    {
        auto stream = co_await client.stream_chat(request);
        for (int i = 0; i < 10; ++i)
            if (auto chunk = co_await stream.next())
                std::cout << chunk->text() << std::flush;
    }  // the connection is closed, and the server stops generating
}

// ---- doc/fan_out.md

regolo::chat_request about(const std::string& city)
{
    return {"Llama-3.3-70B-Instruct", "Tell me about " + city + "."};
}

/// Stands for a queue or a data base, which is asked without blocking the thread.
struct slow_source
{
    asio::awaitable<std::optional<regolo::chat_request>> next()
    {
        asio::steady_timer timer(co_await asio::this_coro::executor, 1ms);
        co_await timer.async_wait(asio::use_awaitable);
        if (left == 0)
            co_return std::nullopt;
        co_return about("city " + std::to_string(left--));
    }

    int left = 3;
};

template <class Answers>
asio::awaitable<void> take_all(Answers answers)
{
    while (auto done = co_await answers.next())
        std::cout << done->index << (done->result ? ": answered\n" : ": failed\n");
}

asio::awaitable<void> sources(regolo::client& client)
{
    std::vector<regolo::chat_request> requests{about("Rome"), about("Milan")};
    auto of_a_range = client.fan_out(std::move(requests));

    auto next_city = [left = 3]() mutable -> std::optional<regolo::chat_request> {
        if (left == 0)
            return std::nullopt;
        return about("city " + std::to_string(left--));
    };
    auto of_a_function = client.fan_out(std::move(next_city));

    auto of_something_slow = client.fan_out(slow_source());

    co_await take_all(std::move(of_a_range));
    co_await take_all(std::move(of_a_function));
    co_await take_all(std::move(of_something_slow));
}

asio::awaitable<void> options_of_a_run(regolo::client& client)
{
    regolo::fan_out_options options;
    options.max_in_flight = 16;
    options.order = regolo::fan_out_order::input;
    options.stop_when = [](const regolo::error_info& failure) {
        return regolo::ends_fan_out(failure) || failure.code == regolo::errc::not_found;
    };
    regolo::call_options each;
    each.time.total = 60s;  // of one request, with its retries
    auto answers = client.fan_out(slow_source(), options, each);
    while (auto done = co_await answers.next())
        if (!done->result && done->result.error().code == regolo::errc::not_started)
            std::cout << "ask again later: " << done->request.messages.back().text() << '\n';
}

// ---- doc/servers.md

asio::awaitable<void> work(regolo::client client)
{
    co_await client.models();
    std::cout << "a client per thread\n";
}

void a_client_per_thread()
{
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < std::thread::hardware_concurrency(); ++i)
        threads.emplace_back([] {
            asio::io_context context(1);
            asio::co_spawn(context, work(regolo::client(context)), asio::detached);
            context.run();
        });
}

regolo::client overload_is_refused(asio::io_context& context)
{
    auto config = regolo::client_config::from_environment();
    config.pool.max_connections = 200;  // as many requests at the API at once
    config.time.queue = 2s;             // the next one waits so long: errc::queue_timeout
    return regolo::client(context, config);
}

asio::awaitable<std::string> key_of_today()
{
    const char* key = std::getenv("REGOLO_API_KEY");  // stands for a store of secrets
    co_return key != nullptr ? key : "";
}

asio::awaitable<void> whose_key(std::string key_of_the_caller)
{
    auto config = regolo::client_config::from_environment();
    config.key = key_of_today;  // asked before each attempt, and once more after a 401
    const regolo::client renewing(co_await asio::this_coro::executor, config);
    co_await renewing.models();

    config.key = {};  // no key but those of the callers
    const regolo::client client(co_await asio::this_coro::executor, config);
    regolo::call_options options;
    options.key = std::move(key_of_the_caller);
    auto answer = co_await client.chat({"Llama-3.3-70B-Instruct", "Hello"}, options);
    std::cout << answer.text() << '\n';
}

asio::awaitable<void> unreachable_server(regolo::client& client)
{
    regolo::fan_out_options options;
    options.stop_when = [failed_in_a_row = 0](const regolo::error_info& failure) mutable {
        const bool unreachable = failure.where == regolo::phase::connect && !failure.sent;
        failed_in_a_row = unreachable ? failed_in_a_row + 1 : 0;
        return regolo::ends_fan_out(failure) || failed_in_a_row == 20;
    };
    co_await take_all(client.fan_out(slow_source(), options));
}

asio::awaitable<void> all()
{
    regolo::client client(co_await asio::this_coro::executor);
    co_await all_of_a_chunk(client);
    co_await keep_what_came(client);
    co_await limits_of_a_stream(client);
    co_await first_words(client);
    co_await sources(client);
    co_await options_of_a_run(client);
    co_await whose_key(co_await key_of_today());
    co_await unreachable_server(client);
    std::cout << "\nall shapes ran\n";
}

}  // namespace

int main()
{
    a_client_per_thread();
    asio::io_context context;
    if (overload_is_refused(context).stats().calls != 0)
        return 1;
    return run(all());
}
