#include "net/tunnel.hpp"

#include "core/server_body.hpp"
#include "core/utf8.hpp"
#include "net/http_reader.hpp"
#include "net/stream_ops.hpp"
#include "net/tcp_stream.hpp"

#include <regolo/error.hpp>

#include <boost/asio/error.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace regolo::net {

namespace {

/// Enough for a page that says why.
constexpr std::size_t kept_words = std::size_t{8} * 1024;
constexpr std::size_t shown_reason = 100;

core::secret encode_connect(const core::proxy_server& proxy, const std::string& target)
{
    const auto secret = proxy.authorization.view();
    const std::string line = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n";
    constexpr std::string_view field = "Proxy-Authorization: ";
    constexpr std::string_view end = "\r\n";
    auto head =
        core::secret::with_capacity(line.size() + field.size() + secret.size() + 2 * end.size());
    head.append(line);
    if (!secret.empty())
    {
        head.append(field);
        head.append(secret);
        head.append(end);
    }
    head.append(end);
    return head;
}

error make_error(error_code code, std::string message)
{
    error_info info;
    info.code = code;
    info.where = phase::proxy;
    info.message = std::move(message);
    return error(std::move(info));
}

error lost(const core::proxy_server& proxy, error_code ec)
{
    return make_error(ec, "the proxy " + core::to_string(proxy) +
                              " ended the connection before it answered: " + ec.message());
}

std::string_view why_refused(int status, bool has_credentials)
{
    if (status == 407 ||
        (status == 401 && has_credentials))  // tinyproxy says 401 to a wrong password
        return has_credentials
                   ? "it does not accept the user name and password of the proxy's URL"
                   : "it wants a user name and a password: http://user:password@host:port";
    if (status >= 500)
        return "it cannot reach that host";
    if (status >= 300 && status < 400)
        return "it answers with a redirect; is this a proxy?";
    return "it does not allow that; a host that needs no proxy goes into no_proxy";
}

/// Reads on as long as that is easy, to tell what the proxy says.
asio::awaitable<std::string> read_words(byte_stream& stream, http_reader& reader)
{
    std::string words;
    for (;;)
    {
        for (const auto piece : reader.pieces())
            words.append(piece.substr(0, kept_words - words.size()));
        reader.pieces().clear();
        if (reader.done() || words.size() >= kept_words)
            co_return words;
        const auto room = reader.prepare();
        error_code ec;
        const auto n = co_await read_some(stream, asio::buffer(room.data, room.size), ec);
        if (!ec)
            reader.commit(n, ec);
        if (ec)
            co_return words;
    }
}

error_info refusal(const core::proxy_server& proxy, const std::string& target,
                   const core::response_head& head, std::string_view words)
{
    error_info info;
    info.where = phase::proxy;
    info.code = head.status >= 500 ? error_code(asio::error::host_unreachable)
                                   : make_error_code(errc::proxy_refused);
    core::read_server_body(words, info);
    info.message = "the proxy " + core::to_string(proxy) + " opens no connection to " + target +
                   " (" + std::to_string(head.status) +
                   (head.reason.empty() ? "" : " " + core::printable(head.reason, shown_reason)) +
                   "): " + std::string(why_refused(head.status, !proxy.authorization.empty()));
    return info;
}

}  // namespace

asio::awaitable<tcp::socket> open_tunnel(std::shared_ptr<scope> owner, tcp::socket socket,
                                         const core::proxy_server& proxy, core::origin to,
                                         std::size_t head_limit)
{
    tcp_stream stream(std::move(socket));
    const scope::holder held(*owner, &stream);
    const auto target = core::authority(to.host, to.port);
    const auto head = encode_connect(proxy, target);
    error_code ec;
    for (auto rest = head.view(); !rest.empty();)
    {
        const auto n = co_await write_some(stream, asio::buffer(rest.data(), rest.size()), ec);
        if (ec)
            throw lost(proxy, ec);
        rest.remove_prefix(n);
    }
    http_reader reader(head_limit);
    reader.start();
    while (!reader.head_done())
    {
        const auto room = reader.prepare();
        const auto n = co_await read_some(stream, asio::buffer(room.data, room.size), ec);
        if (ec)
            throw lost(proxy, ec);
        reader.commit(n, ec);
        if (ec && (!reader.head_done() || ec == errc::too_large))
        {
            throw make_error(errc::bad_response,
                             "the proxy " + core::to_string(proxy) +
                                 " does not answer as an HTTP proxy does: " + ec.message());
        }
    }
    const int status = reader.head().status;
    if (status < 200 || status > 299)
    {
        const auto words = co_await read_words(stream, reader);
        throw error(refusal(proxy, target, reader.head(), words));
    }
    if (!reader.pieces().empty())
    {
        throw make_error(errc::bad_response, "the proxy " + core::to_string(proxy) +
                                                 " sends data where the server's has to begin");
    }
    co_return stream.release();
}

}  // namespace regolo::net
