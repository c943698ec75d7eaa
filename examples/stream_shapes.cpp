// What doc/streaming.md and the README show of the helpers over streams and of whole answers, one
// function each, run one after the other. A test checks that the code of the pages is found here.

#include "common.hpp"

#include <boost/asio/this_coro.hpp>

#include <chrono>
#include <map>
#include <utility>

namespace {

using namespace std::chrono_literals;

asio::awaitable<void> text_alone(regolo::client& client)
{
    regolo::chat_request request("gpt-oss-120b", "Tell me something about Rome.");
    auto stream = co_await client.stream_chat(request);
    while (auto text = co_await stream.next_text())
        std::cout << *text << std::flush;
    const auto answer = std::move(stream).final();  // whole, as chat() would have returned it
    std::cout << '\n' << answer.finish_reason() << '\n';

    const auto& took = answer.metadata.timings;
    if (took.head && took.first_event)
        std::cout << (*took.head + *took.first_event) / 1ms << " ms from request to first event\n";
    if (answer.usage)  // as the server counted
        std::cout << answer.usage->completion_tokens.value_or(0) << " tokens\n";
}

asio::awaitable<void> first_word(regolo::client& client)
{
    regolo::chat_request request("Llama-3.3-70B-Instruct", "Tell me something about Rome.");
    const auto began = std::chrono::steady_clock::now();
    auto stream = co_await client.stream_chat(request);
    auto text = co_await stream.next_text();
    const auto waited = std::chrono::steady_clock::now() - began;  // all attempts, and the pauses

    const auto& took = stream.metadata().timings;
    auto parts = 0ns;  // of the last attempt, until the first event
    for (const auto& part :
         {took.queue, took.resolve, took.connect, took.tls, took.send, took.head, took.first_event})
        parts += part.value_or(0ns);
    std::cout << text.value_or("") << " after " << waited / 1us << " us, the first event after "
              << parts / 1us << " us\n";
}

asio::awaitable<void> pieces(regolo::client& client)
{
    regolo::chat_request request("gpt-oss-120b", "Tell me something about Rome.");
    request.n = 2;
    auto stream = co_await client.stream_chat(request);
    std::map<std::int64_t, std::string> drafts;
    while (auto piece = co_await stream.next_piece())
    {
        switch (piece->kind)
        {
            case regolo::piece_kind::reasoning:
                std::clog << piece->text;
                break;
            case regolo::piece_kind::content:
                drafts[piece->choice] += piece->text;
                break;
            case regolo::piece_kind::tool_call:
                std::clog << piece->tool_call.name << piece->tool_call.arguments;
                break;
            case regolo::piece_kind::finish:
                std::cout << piece->choice << " ended by " << piece->text << '\n';
                break;
            default:
                break;
        }
    }
    std::cout << drafts[0] << '\n';
}

asio::awaitable<void> enough_seen(regolo::client& client)
{
    regolo::chat_request request("Llama-3.3-70B-Instruct", "Count to 100.");
    auto stream = co_await client.stream_chat(request);
    while (auto text = co_await stream.next_text())
        if (stream.text().size() >= 80)
            break;
    auto answer = co_await stream.finish(2s);  // reads on, hands nothing out
    if (answer.usage)
        std::cout << "tokens: " << answer.usage->total_tokens.value_or(0) << '\n';
    else
        std::cout << "not over after 2 s: the stream is closed, its usage unknown\n";
}

asio::awaitable<void> whole_answer_as_stream(regolo::client& client)
{
    regolo::chat_request request("cut-mid-stream", "Tell me something about Rome.");
    regolo::call_options options;
    options.as_stream = true;
    options.time.idle = 10s;  // the model has stopped in the middle
    auto answer = co_await regolo::try_await(client.chat(request, options));
    if (!answer)
        std::cerr << answer.error().message << "; so far: " << answer.error().partial_text << '\n';
}

asio::awaitable<void> doubtful(regolo::client& client)
{
    regolo::chat_request request("gpt-oss-120b", "Tell me something about Rome.");
    request.max_tokens = 4;
    auto answer = co_await client.chat(request);
    if (answer.doubts().out_of_tokens)
        std::cout << "the reasoning has used up max_tokens\n";

    regolo::call_options options;
    options.fail_on = regolo::answer_doubts{.empty = true, .other_model = true};
    answer = co_await client.chat({"Llama-3.3-70B-Instruct", "Hello"}, options);
    std::cout << answer.text() << '\n';
}

asio::awaitable<void> all()
{
    regolo::client client(co_await asio::this_coro::executor);
    co_await text_alone(client);
    co_await first_word(client);
    co_await pieces(client);
    co_await enough_seen(client);
    co_await whole_answer_as_stream(client);
    co_await doubtful(client);
    std::cout << "all shapes ran\n";
}

}  // namespace

int main() { return run(all()); }
