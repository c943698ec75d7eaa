// g++ 12 frees a temporary aggregate of a co_await expression twice, so that the spelling which
// would build one is an error everywhere.

#include <regolo/client.hpp>

boost::asio::awaitable<void> ask(regolo::client& client)
{
#ifdef REGOLO_MISUSE
    auto broken = co_await client.chat({.model = "model"});
#endif
    auto answer = co_await client.chat(regolo::chat_request("model").user("question"));
    (void)answer;
}
