// As aggregate_request.cpp, for the second argument.

#include <regolo/client.hpp>

boost::asio::awaitable<void> ask(regolo::client& client)
{
#ifdef REGOLO_MISUSE
    auto broken = co_await client.chat({"model", "question"}, {.call_id = "mine"});
#endif
    regolo::call_options options;
    options.call_id = "mine";
    auto answer = co_await client.chat({"model", "question"}, options);
    (void)answer;
}
