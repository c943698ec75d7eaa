// An HTTP server that relays answers to its own callers as they arrive (server-sent events).
//
//   regolo_example_06_relay [PORT [DRAIN-SECONDS]]
//   curl -N -d '{"prompt": "Tell me something about Rome."}' http://127.0.0.1:8080/chat
//
// A caller that leaves ends the request to the API in the same turn. The header x-timeout-ms bounds
// a call. What fails before the first word is an HTTP status, and later an event "error". After
// SIGTERM nobody new is let in, and answers under way may finish for a while. GET /stats shows the
// client's gauges. One thread runs everything, so that nothing needs a lock or a strand.

#include "common.hpp"

#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/json.hpp>

#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string_view>

namespace beast = boost::beast;
namespace http = beast::http;
namespace json = boost::json;
using asio::ip::tcp;
using namespace std::chrono_literals;

namespace {

constexpr auto event_stream_head =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    "Cache-Control: no-cache\r\nConnection: close\r\n\r\n";

/// A caller that sends or takes nothing for so long is gone.
constexpr auto patience = 10s;

asio::awaitable<void> write(beast::tcp_stream& caller, std::string text)
{
    caller.expires_after(patience);  // for this write; a read that is pending keeps its own limit
    co_await asio::async_write(caller, asio::buffer(text), asio::use_awaitable);
}

asio::awaitable<void> reply(beast::tcp_stream& caller, int status, json::object body)
{
    http::response<http::string_body> response(http::int_to_status(static_cast<unsigned>(status)),
                                               11);
    response.set(http::field::content_type, "application/json");
    response.keep_alive(false);  // one request a connection keeps this example short
    response.body() = json::serialize(body);
    response.prepare_payload();
    caller.expires_after(patience);
    co_await http::async_write(caller, response, asio::use_awaitable);
}

std::string event(const json::value& data) { return "data: " + json::serialize(data) + "\n\n"; }

json::object error_body(std::string_view text) { return {{"error", text}}; }

json::object gauges(const regolo::client_stats& now)
{
    return {{"calls", now.calls}, {"in_use", now.in_use}, {"connections", now.connections}};
}

int status_for(const regolo::error_info& failure)
{
    if (failure.code == regolo::errc::deadline_exceeded)
        return 504;
    if (failure.code == regolo::errc::client_closed || failure.code == regolo::errc::queue_timeout)
        return 503;
    // What the caller may have caused or can wait for is passed on; all else is not their business.
    const int status = failure.http_status;
    return status == 400 || status == 404 || status == 429 || status == 503 ? status : 502;
}

std::string_view words_for(int status)
{
    switch (status)
    {
        case 400:
            return "the request was refused: it may be too long";
        case 404:
            return "no such model";
        case 429:
        case 503:
            return "too much to do: try again later";
        case 504:
            return "no time left";
        default:
            return "the answer failed";
    }
}

/// Passes an answer on. `begun` becomes true with the first bytes that go to the caller.
asio::awaitable<void> pass_on(beast::tcp_stream& caller, const regolo::client& client,
                              regolo::chat_request request, regolo::call_options options,
                              bool& begun)
{
    auto answer = co_await client.stream_chat(std::move(request), std::move(options));
    regolo::chat_chunk chunk;
    for (bool more = true; more;)
    {
        // As long as the caller takes nothing, nothing is read from the API either.
        more = co_await answer.next(chunk);
        std::string text = begun ? "" : event_stream_head;
        for (bool here = more; here; here = answer.try_next(chunk))
            if (!chunk.text().empty())
                text += event({{"text", chunk.text()}});
        if (!more)
            text += "data: [DONE]\n\n";
        begun = true;
        co_await write(caller, std::move(text));
    }
}

asio::awaitable<void> answer(beast::tcp_stream& caller, const regolo::client& client,
                             regolo::chat_request request, regolo::call_options options)
{
    bool begun = false;
    auto passed = co_await regolo::try_await(
        pass_on(caller, client, std::move(request), std::move(options), begun));
    if (passed)
        co_return;
    // The log gets the library's words, which hold no prompt and no key; the caller gets ours.
    const auto& failure = passed.error();
    std::clog << failure.call_id << ": " << failure.message << std::endl;
    const int status = status_for(failure);
    if (begun)
        co_await write(caller, "event: error\n" + event(error_body(words_for(status))));
    else
        co_await reply(caller, status, error_body(words_for(status)));
}

/// Returns when the caller has closed the connection, or at least says that nothing more will come.
asio::awaitable<void> caller_left(beast::tcp_stream& caller)
{
    std::array<char, 512> ignored{};
    boost::system::error_code failed;
    while (!failed)
        co_await caller.async_read_some(asio::buffer(ignored),
                                        asio::redirect_error(asio::use_awaitable, failed));
}

/// What the caller wants. Throws where that is not told.
regolo::chat_request read_request(const http::request<http::string_body>& received,
                                  regolo::call_options& options)
{
    const auto body = json::parse(received.body());
    const auto& members = body.as_object();
    const auto* model = members.if_contains("model");
    regolo::chat_request request(
        model != nullptr ? std::string(model->as_string()) : example_model(),
        std::string_view(members.at("prompt").as_string()));

    unsigned limit = 60'000;
    if (const auto given = received.find("x-timeout-ms"); given != received.end())
    {
        const auto text = given->value();
        const auto [end, failed] = std::from_chars(text.begin(), text.end(), limit);
        if (failed != std::errc() || end != text.end())
            throw std::invalid_argument("x-timeout-ms");
    }
    options.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(limit);
    return request;
}

asio::awaitable<void> chat(beast::tcp_stream& caller, const regolo::client& client,
                           const http::request<http::string_body>& received)
{
    using namespace asio::experimental::awaitable_operators;

    regolo::call_options options;
    regolo::chat_request request;
    bool understood = true;
    try
    {
        request = read_request(received, options);
    }
    catch (const std::exception&)
    {
        understood = false;
    }
    caller.expires_never();  // for the pending read
    if (!understood)
        co_await reply(caller, 400,
                       error_body("expected {\"prompt\": text}, x-timeout-ms a number"));
    else  // whichever ends first cancels the other; that closes the connection to the API
        co_await (answer(caller, client, std::move(request), std::move(options)) ||
                  caller_left(caller));
}

asio::awaitable<void> serve(tcp::socket socket, const regolo::client& client)
{
    beast::tcp_stream caller(std::move(socket));
    beast::flat_buffer buffer;
    http::request_parser<http::string_body> parser;
    parser.body_limit(1 << 20);
    caller.expires_after(patience);
    co_await http::async_read(caller, buffer, parser, asio::use_awaitable);

    const auto& received = parser.get();
    if (received.method() == http::verb::post && received.target() == "/chat")
        co_await chat(caller, client, received);
    else if (received.target() == "/stats")
        co_await reply(caller, 200, gauges(client.stats()));
    else
        co_await reply(caller, 404, error_body("there are POST /chat and GET /stats"));
    boost::system::error_code ignored;
    caller.socket().shutdown(tcp::socket::shutdown_send, ignored);
}

asio::awaitable<void> accept(tcp::acceptor& acceptor, const regolo::client& client)
{
    while (acceptor.is_open())
    {
        boost::system::error_code failed;
        auto socket =
            co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, failed));
        if (!failed)  // a caller that breaks off is nobody else's concern
            asio::co_spawn(acceptor.get_executor(), serve(std::move(socket), client),
                           asio::detached);
        else if (acceptor.is_open())  // such as too many open files
            co_await asio::steady_timer(acceptor.get_executor(), 100ms)
                .async_wait(asio::use_awaitable);
    }
}

asio::awaitable<void> drain_on_signal(tcp::acceptor& acceptor, const regolo::client& client,
                                      std::chrono::seconds limit)
{
    asio::signal_set signals(acceptor.get_executor(), SIGTERM, SIGINT);
    co_await signals.async_wait(asio::use_awaitable);
    acceptor.close();
    const bool finished = co_await client.drain(limit);
    std::cout << (finished ? "drained" : "cancelled what took too long") << std::endl;
}

}  // namespace

int main(int argc, char** argv)
try
{
    asio::io_context context(1);
    regolo::client client(context);
    const auto port = static_cast<unsigned short>(argc > 1 ? std::stoi(argv[1]) : 8080);
    tcp::acceptor acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), port));
    std::cout << "http://" << acceptor.local_endpoint() << std::endl;

    asio::co_spawn(context, accept(acceptor, client), asio::detached);
    asio::co_spawn(
        context,
        drain_on_signal(acceptor, client, std::chrono::seconds(argc > 2 ? std::stoi(argv[2]) : 10)),
        asio::detached);
    context.run();  // until the last caller has been served
}
catch (const std::exception& e)
{
    std::cerr << "error: " << e.what() << '\n';
    return 1;
}
