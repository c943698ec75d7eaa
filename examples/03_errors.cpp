// Makes calls that fail, and shows what a program learns about each.

#include "common.hpp"

namespace {

void show(const regolo::error_info& error)
{
    std::cout << "  " << regolo::describe(error) << '\n'
              << "  where: " << regolo::to_string(error.where) << ", status " << error.http_status
              << ", attempts " << error.attempts
              << (regolo::is_retryable(error) ? ", worth another try\n" : ", final\n");
}

asio::awaitable<void> fail()
{
    regolo::client client(co_await asio::this_coro::executor);
    regolo::chat_request request(example_model(), "Hello");

    // Every operation throws the same exception ...
    std::cout << "a key that is wrong:\n";
    regolo::call_options options;
    options.key = "not-a-key";
    try
    {
        co_await client.chat(request, options);
    }
    catch (const regolo::error& e)
    {
        show(e.info());
    }

    // ... and try_await turns it into a value.
    std::cout << "a model that does not exist:\n";
    request.model = "no-such-model";
    auto answer = co_await regolo::try_await(client.chat(request));
    if (!answer)
        show(answer.error());
    if (!answer && answer.error().code == regolo::errc::not_found)
        std::cout << "  (client.models() lists those that there are)\n";
}

}  // namespace

int main() { return run(fail()); }
