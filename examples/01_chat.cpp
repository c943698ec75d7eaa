// Asks one question and prints the whole answer.
//
// Key and URL come from REGOLO_API_KEY and REGOLO_BASE_URL.

#include "common.hpp"

namespace {

asio::awaitable<void> ask(std::string question)
{
    regolo::client client(co_await asio::this_coro::executor);

    auto answer = co_await client.chat({example_model(), question});
    std::cout << answer.text() << '\n';

    // What a server does not send stays unset.
    if (answer.usage && answer.usage->total_tokens)
        std::cout << "tokens: " << *answer.usage->total_tokens << '\n';
    std::cout << "answered by " << answer.model << ", request " << answer.metadata.request_id
              << '\n';
}

}  // namespace

int main(int argc, char** argv)
{
    return run(ask(argc > 1 ? argv[1] : "Tell me something about Rome."));
}
