// Plain Boost.Beast on Asio's coroutines, as its documentation shows an incremental read ("Incremental Read", buffer_body), and
// Boost.JSON.

#include "clients/boost_json_answer.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <array>
#include <exception>
#include <memory>
#include <stdexcept>
#include <vector>

namespace regolo::bench {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using request_type = http::request<http::string_body>;

request_type make_request(const job& what)
{
    request_type request(http::verb::post, path_of(what), 11);
    request.set(http::field::host, what.host + ":" + what.port);
    request.set(http::field::authorization, "Bearer test-key");
    request.set(http::field::content_type, "application/json");
    request.set(http::field::accept, accepted_by(what));
    request.body() = body_of(what);
    request.prepare_payload();
    return request;
}

asio::awaitable<void> connect(beast::tcp_stream& stream, const tcp::resolver::results_type& peers)
{
    co_await stream.async_connect(peers, asio::use_awaitable);
    stream.socket().set_option(tcp::no_delay(true));
}

asio::awaitable<void> connect(asio::ssl::stream<beast::tcp_stream>& stream,
                              const tcp::resolver::results_type& peers)
{
    co_await connect(stream.next_layer(), peers);
    co_await stream.async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);
}

/// One request after the other on a connection of its own.
template <class Stream>
class caller
{
public:
    /// `arguments` are those of the stream.
    template <class... Arguments>
    caller(const job& what, counts& into, Arguments&... arguments)
        : request_(make_request(what)), answer_(what, into), stream_(arguments...)
    {
        buffer_.reserve(body_.size());
    }

    asio::awaitable<void> run(const tcp::resolver::results_type& peers, long& left)
    {
        while (left > 0)
        {
            --left;
            if (!connected_)
                co_await connect(stream_, peers);
            connected_ = true;
            co_await ask();
        }
    }

private:
    asio::awaitable<void> ask()
    {
        co_await http::async_write(stream_, request_, asio::use_awaitable);
        http::response_parser<http::buffer_body> parser;
        parser.body_limit(boost::none);
        co_await http::async_read_header(stream_, buffer_, parser, asio::use_awaitable);
        if (parser.get().result() != http::status::ok)
            throw std::runtime_error("not a success");
        parser.eager(true);  // all chunks that are there, not one of them
        while (!parser.is_done())
        {
            auto& body = parser.get().body();
            body.data = body_.data();
            body.size = body_.size();
            beast::error_code failure;
            co_await http::async_read_some(stream_, buffer_, parser,
                                           asio::redirect_error(asio::use_awaitable, failure));
            if (failure && failure != http::error::need_buffer)
                throw beast::system_error(failure);
            answer_.push({body_.data(), body_.size() - body.size});
        }
        answer_.finish();
    }

    const request_type request_;
    boost_json_answer answer_;
    Stream stream_;
    bool connected_ = false;
    beast::flat_buffer buffer_;
    std::array<char, 65536> body_;
};

/// `arguments` are those of a stream.
template <class Stream, class... Arguments>
void run_all(const job& what, asio::io_context& io, Arguments&... arguments)
{
    const auto peers = tcp::resolver(io).resolve(tcp::v4(), what.host, what.port);
    counts all;
    std::vector<std::unique_ptr<caller<Stream>>> callers;
    for (long i = 0; i != what.concurrency; ++i)
        callers.push_back(std::make_unique<caller<Stream>>(what, all, arguments...));
    const auto rethrow = [](const std::exception_ptr& failure) {
        if (failure)
            std::rethrow_exception(failure);
    };
    const auto run = [&](long requests) {
        all = {};
        long left = requests;
        for (const auto& each : callers)
            asio::co_spawn(io, each->run(peers, left), rethrow);
        io.restart();
        io.run();
        return all;
    };
    measure(what, run);
}

void run(const job& what)
{
    asio::io_context io(1);
    if (what.tls)
    {
        asio::ssl::context context(asio::ssl::context::tls_client);
        run_all<asio::ssl::stream<beast::tcp_stream>>(what, io, io, context);
    }
    else
        run_all<beast::tcp_stream>(what, io, io);
}

}  // namespace

}  // namespace regolo::bench

int main(int argc, char** argv)
{
    using namespace regolo::bench;
    return run_job(argc, argv, run);
}
