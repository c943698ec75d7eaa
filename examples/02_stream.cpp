// Shows an answer as it arrives, then goes on with the conversation.

#include "common.hpp"

namespace {

asio::awaitable<void> talk(std::string question)
{
    regolo::client client(co_await asio::this_coro::executor);

    regolo::chat_request request(example_model());
    request.system("You are a guide. Answer in two sentences.").user(question);
    request.temperature = 0.7;

    auto stream = co_await client.stream_chat(request);
    while (auto chunk = co_await stream.next())
        std::cout << chunk->text() << std::flush;
    std::cout << '\n';

    // The stream has put the answer together; its message goes into the next request as it is.
    request.add(stream.partial().message()).user("And what should I see first?");

    auto more = co_await client.stream_chat(request);
    regolo::chat_chunk chunk;  // used again for each event, which saves allocations
    while (co_await more.next(chunk))
        std::cout << chunk.text() << std::flush;
    std::cout << '\n';
}

}  // namespace

int main(int argc, char** argv)
{
    return run(talk(argc > 1 ? argv[1] : "Tell me something about Rome."));
}
