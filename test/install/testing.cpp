// The test of a program, as somebody would write it who has installed the library.

#include <regolo.hpp>
#include <regolo/testing.hpp>

#include <iostream>

namespace {

boost::asio::awaitable<std::string> ask(const regolo::testing::test_server& server)
{
    regolo::client_config config;
    config.base_url = server.url();
    config.key = "test-key";
    config.tls.ca_pem = server.ca_pem();
    config.retry.initial_delay = std::chrono::milliseconds(1);
    const regolo::client client(co_await boost::asio::this_coro::executor, config);
    const auto answer = co_await client.chat({"sim-chat", "Tell me something about Rome."});
    co_return answer.text();
}

boost::asio::awaitable<std::string> read(regolo::chat_stream stream)
{
    std::string text;
    while (auto chunk = co_await stream.next())
        text += chunk->text();
    co_return text;
}

}  // namespace

int main()
{
    using namespace regolo::testing;
    test_server server;
    server.enqueue("/v1/chat/completions", script().respond(429, "text/plain", "slow down"));
    const auto answer = run(ask(server));
    const auto streamed =
        run(read(make_stream({make_chunk("Hello "), make_chunk("Rome", "stop")})));
    std::cout << answer << '\n' << streamed << '\n';
    return server.requests().size() == 2 && !answer.empty() && streamed == "Hello Rome" ? 0 : 1;
}
