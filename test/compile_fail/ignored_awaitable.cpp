// An operation that nobody awaits never runs, which is always a mistake.

#include <regolo/client.hpp>

boost::asio::awaitable<void> ask(regolo::client& client)
{
#ifdef REGOLO_MISUSE
    client.chat({"model", "question"});
#endif
    auto answer = co_await client.chat({"model", "question"});
    (void)answer;
}
