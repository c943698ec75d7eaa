#pragma once

#include <regolo/chat.hpp>
#include <regolo/completion.hpp>
#include <regolo/error.hpp>
#include <regolo/stream.hpp>
#include <regolo/transcription.hpp>
#include <regolo/try_await.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <string>
#include <utility>

namespace regolo::soak {

namespace asio = boost::asio;

inline std::string text_of(const chat_response& answer)
{
    return answer.tool_calls().empty() ? answer.text() : answer.tool_calls().front().arguments;
}
inline std::string text_of(const completion_response& answer) { return std::string(answer.text()); }
inline std::string text_of(const transcript& answer) { return answer.text; }

inline void append(std::string& text, const chat_chunk& chunk)
{
    text += chunk.text();
    for (const auto& choice : chunk.choices)
        for (const auto& call : choice.delta.tool_calls)
            text += call.arguments;
}
inline void append(std::string& text, const completion_chunk& chunk) { text += chunk.text(); }
inline void append(std::string& text, const std::string& piece) { text += piece; }

template <class Answer>
asio::awaitable<std::string> as_text(asio::awaitable<Answer> operation)
{
    const auto answer = co_await std::move(operation);
    co_return text_of(answer);
}

inline asio::awaitable<void> sleep_for(std::chrono::milliseconds length)
{
    asio::steady_timer timer(co_await asio::this_coro::executor);
    timer.expires_after(length);
    co_await timer.async_wait(asio::use_awaitable);
}

/// How a caller reads a stream.
enum class manner
{
    plain,
    reusing,  // one chunk, and what has arrived without waiting
    impatient,
    slow,
};

template <class Chunk, class Stream>
asio::awaitable<void> read_on(Stream& stream, std::string& text, manner how)
{
    using namespace std::chrono_literals;
    Chunk chunk;
    for (;;)
    {
        if (how == manner::impatient)
        {
            auto next = co_await try_await(stream.next_for(30ms));
            if (!next && next.error().code == errc::wait_timeout)
                continue;
            if (!next)
                throw error(next.error());
            if (!*next)
                co_return;
            append(text, **next);
            continue;
        }
        const bool is_there = co_await stream.next(chunk);
        if (!is_there)
            co_return;
        append(text, chunk);
        while (how == manner::reusing && stream.try_next(chunk))
            append(text, chunk);
        if (how == manner::slow)
            co_await sleep_for(30ms);
    }
}

template <class Chunk, class Stream>
asio::awaitable<std::string> read_all(asio::awaitable<Stream> opening, manner how = manner::plain)
{
    auto stream = co_await std::move(opening);
    std::string text;
    co_await read_on<Chunk>(stream, text, how);
    co_return text;
}

}  // namespace regolo::soak
