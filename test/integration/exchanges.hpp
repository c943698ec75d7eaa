#pragma once

#include <regolo.hpp>
#include <regolo/testing/test_server.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/system_error.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace regolo::test {

using namespace regolo::testing;

namespace asio = boost::asio;

/// How much longer the loops run than by default: the environment variable REGOLO_TEST_SCALE, from 1.
inline std::size_t scale()
{
    const char* text = std::getenv("REGOLO_TEST_SCALE");
    const long value = text == nullptr ? 1 : std::strtol(text, nullptr, 10);
    return value < 1 ? 1 : static_cast<std::size_t>(value);
}

/// The open file descriptors of this process, the server's in it included.
inline std::ptrdiff_t open_files()
{
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                         std::filesystem::directory_iterator());
}

inline server_options options_for(bool tls)
{
    return tls ? server_options::https() : server_options::plain();
}

/// A client of that server that tries everything once.
inline client_config config_for(const test_server& server)
{
    client_config config(credential("test-key"));
    config.base_url = server.url();
    config.tls.ca_pem = server.ca_pem();
    config.retry.max_retries = 0;
    return config;
}

inline constexpr std::string_view chat_model = "sim-chat";

inline std::string text_of(const chat_response& answer) { return std::string(answer.text()); }
inline std::string text_of(const completion_response& answer) { return std::string(answer.text()); }
inline std::string text_of(const api_response& answer)
{
    return std::to_string(answer.body.size() > 2 ? answer.metadata.status : 0);
}
inline std::string text_of(const model_list& all)
{
    std::string names;
    for (const auto& each : all.data)
        names += each.id + ' ';
    return names;
}
inline std::string text_of(const chat_chunk& chunk) { return std::string(chunk.text()); }
inline std::string text_of(const completion_chunk& chunk) { return std::string(chunk.text()); }
inline std::string text_of(const server_event& event) { return event.data.empty() ? "" : "."; }

/// The same text for an answer and for a stream, whatever the exchange.
template <class Answer>
asio::awaitable<std::string> as_text(asio::awaitable<Answer> operation)
{
    const auto answer = co_await std::move(operation);
    co_return text_of(answer);
}

template <class Stream>
asio::awaitable<std::string> read_all(asio::awaitable<Stream> opening)
{
    auto stream = co_await std::move(opening);
    std::string text;
    while (auto chunk = co_await stream.next())
        text += text_of(*chunk);
    co_return text;
}

enum class kind
{
    chat,
    stream_chat,
    complete,
    stream_completion,
    models,
    request,
    stream_request,
};

inline constexpr kind all_kinds[] = {
    kind::chat,   kind::stream_chat, kind::complete,       kind::stream_completion,
    kind::models, kind::request,     kind::stream_request,
};

inline const char* name_of(kind what)
{
    static constexpr const char* names[] = {
        "chat",   "stream_chat", "complete",      "stream_completion",
        "models", "request",     "stream_request"};
    return names[static_cast<std::size_t>(what)];
}

/// A whole exchange; it refers to nothing but the client's shared state.
inline asio::awaitable<std::string> exchange_of(kind what, const client& from,
                                                call_options options = {})
{
    const chat_request chat(std::string(chat_model), "count to 5");
    const completion_request completion(std::string(chat_model), "count to 5");
    switch (what)
    {
        case kind::chat:
            return as_text(from.chat(chat, std::move(options)));
        case kind::stream_chat:
            return read_all(from.stream_chat(chat, std::move(options)));
        case kind::complete:
            return as_text(from.complete(completion, std::move(options)));
        case kind::stream_completion:
            return read_all(from.stream_completion(completion, std::move(options)));
        case kind::models:
            return as_text(from.models(std::move(options)));
        case kind::request:
            return as_text(from.request({"GET", "/v1/models"}, std::move(options)));
        case kind::stream_request:
            break;
    }
    api_request raw("POST", "/v1/chat/completions");
    raw.body = R"({"model":"sim-chat","stream":true,)"
               R"("messages":[{"role":"user","content":"count to 5"}]})";
    return read_all(from.stream_request(std::move(raw), std::move(options)));
}

/// The bytes of an answer, whatever steps they are sent in.
inline std::string bytes_of(const script& answer)
{
    std::string all;
    for (const auto& each : answer.steps())
    {
        if (const auto* sent = std::get_if<step::send>(&each))
            all += sent->bytes;
        if (const auto* streamed = std::get_if<step::stream>(&each))
        {
            std::string piece;
            const auto next = streamed->next;
            while (next(piece))
                all += piece;
        }
    }
    return all;
}

/// What came of an operation that was spawned.
struct ending
{
    bool is_done = false;
    std::string text;
    std::optional<error_info> error;
    std::exception_ptr other;  // an exception that no operation may throw
    bool by_asio = false;      // a cancelled coroutine was refused its next co_await

    void note(std::exception_ptr failure, std::string value)
    {
        is_done = true;
        text = std::move(value);
        if (!failure)
            return;
        try
        {
            std::rethrow_exception(failure);
        }
        catch (const regolo::error& e)
        {
            error = e.info();
        }
        catch (const boost::system::system_error& e)
        {
            by_asio = e.code() == asio::error::operation_aborted;
            if (!by_asio)
                other = std::current_exception();
        }
        catch (...)
        {
            other = std::current_exception();
        }
    }
};

/// Runs `io` until `condition` holds; false after `limit`.
template <class Condition>
bool run_until(asio::io_context& io, Condition condition,
               std::chrono::milliseconds limit = std::chrono::seconds(10))
{
    const auto deadline = std::chrono::steady_clock::now() + limit;
    io.restart();
    while (!condition())
    {
        if (io.run_one_until(deadline) == 0 && !condition())
            return false;
    }
    return true;
}

/// Runs `io` until the server sees no more than that many connections: without a client nobody else tells when.
template <class Limit>
bool run_until_closed(asio::io_context& io, const test_server& server, Limit still_open)
{
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    const auto is_closed = [&] { return server.counts().open <= still_open(); };
    do
    {
        io.restart();
        io.poll();
    } while (!server.wait_until(is_closed, std::chrono::milliseconds(1)) &&
             std::chrono::steady_clock::now() < deadline);
    return is_closed();
}

/// Nothing is going on any more; connections may be idle.
inline bool is_quiet(const client& which)
{
    const auto now = which.stats();
    return now.calls == 0 && now.in_use == 0 && now.connecting == 0 && now.waiting == 0 &&
           now.draining == 0;
}

}  // namespace regolo::test
