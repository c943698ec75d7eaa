// The same operations without coroutines of one's own: with a callback, with futures, and with a
// stop button.

#include "common.hpp"

#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <latch>
#include <stop_token>

namespace {

void with_callback(asio::thread_pool& pool, const regolo::client& client)
{
    std::latch called(1);
    asio::co_spawn(pool, client.chat({example_model(), "Tell me something about Rome."}),
                   [&called](std::exception_ptr failure, regolo::chat_response answer) {
                       // On a thread of the pool, which must not be blocked.
                       std::cout << (failure ? "no answer" : answer.text()) << '\n';
                       called.count_down();
                   });
    called.wait();
}

void with_future(asio::thread_pool& pool, const regolo::client& client)
{
    auto rome = asio::co_spawn(pool, client.chat({example_model(), "And Rome?"}), asio::use_future);
    auto milan =
        asio::co_spawn(pool, client.chat({example_model(), "And Milan?"}), asio::use_future);
    std::cout << rome.get().text() << '\n' << milan.get().text() << '\n';  // throws regolo::error
}

void with_stop_button(asio::thread_pool& pool, const regolo::client& client)
{
    std::stop_source button;  // request_stop() from any thread
    regolo::call_options options;
    options.stop = button.get_token();
    regolo::chat_request request(example_model(), "Count to 100000.");
    auto opened = asio::co_spawn(pool, client.stream_chat(request, options), asio::use_future);
    auto stream = opened.get();
    std::size_t shown = 0;
    try
    {
        while (auto chunk = asio::co_spawn(pool, stream.next(), asio::use_future).get())
        {
            std::cout << chunk->text() << std::flush;
            shown += chunk->text().size();
            if (shown > 100)
                button.request_stop();  // the next call of next() fails
        }
    }
    catch (const regolo::error& e)
    {
        if (e.code() != asio::error::operation_aborted)
            throw;
        std::cout << "\nstopped after " << shown << " bytes\n";
    }
}

}  // namespace

int main()
try
{
    asio::thread_pool pool(1);  // an io_context and threads of the program's own do as well
    regolo::client client(pool);
    with_callback(pool, client);
    with_future(pool, client);
    with_stop_button(pool, client);
}
catch (const std::exception& e)
{
    std::cerr << "error: " << e.what() << '\n';
    return 1;
}
