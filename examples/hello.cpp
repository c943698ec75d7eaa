#include <regolo.hpp>

#include <boost/asio.hpp>

#include <iostream>

namespace asio = boost::asio;

asio::awaitable<void> watch()
{
    regolo::client client(co_await asio::this_coro::executor);  // key and URL: see below
    auto stream = co_await client.stream_chat({"Llama-3.3-70B-Instruct", "Tell me about Rome."});
    while (auto chunk = co_await stream.next())
        std::cout << chunk->text() << std::flush;
}

int main()
{
    asio::io_context context;
    auto done = asio::co_spawn(context, watch(), asio::use_future);
    context.run();
    done.get();  // throws what the coroutine threw
}
