#include "net/dialer.hpp"

#include "net/connector.hpp"
#include "net/os.hpp"
#include "net/tcp_stream.hpp"
#include "net/tunnel.hpp"

#include <regolo/error.hpp>

#include <string>
#include <utility>

namespace regolo::net {

namespace {

error dial_error(error_code code, phase where, std::string message)
{
    error_info info;
    info.code = code;
    info.where = where;
    info.message = std::move(message);
    return error(std::move(info));
}

error no_address(const std::string& host, bool is_proxy, error_code ec)
{
    const bool unknown = ec == asio::error::host_not_found || ec == asio::error::no_data;
    return dial_error(unknown ? make_error_code(errc::host_not_found) : ec, phase::resolve,
                      "no address for the host \"" + host + "\": " + ec.message() +
                          "; check the host name in " +
                          (is_proxy ? "the proxy's URL" : "base_url") + " and the network");
}

error no_connection(const std::string& name, bool is_proxy, error_code ec)
{
    std::string text = "no connection to " + name + ": " + ec.message();
    if (ec == asio::error::connection_refused)
    {
        text += is_proxy ? "; is it running, and its URL right?"
                         : "; is the server running, and base_url right?";
    }
    if (ec == asio::error::no_descriptors)
    {
        text +=
            "; raise the limit on open files (ulimit -n) or lower pool_options::max_connections";
    }
    return dial_error(ec, is_proxy ? phase::proxy : phase::connect, std::move(text));
}

class socket_dialer final : public dialer, public std::enable_shared_from_this<socket_dialer>
{
public:
    explicit socket_dialer(dialer_parts parts) : parts_(std::move(parts)) {}

    asio::awaitable<std::unique_ptr<byte_stream>> dial(std::shared_ptr<scope> owner,
                                                       core::origin to,
                                                       const core::proxy_server* via,
                                                       dial_progress& progress) override
    {
        return dial_with(shared_from_this(), std::move(owner), std::move(to), via, progress);
    }

private:
    // Static, so that the frame keeps what it uses.
    static asio::awaitable<std::unique_ptr<byte_stream>> dial_with(
        std::shared_ptr<socket_dialer> self, std::shared_ptr<scope> owner, core::origin to,
        const core::proxy_server* via, dial_progress& progress);
    static asio::awaitable<tcp::socket> connect(std::shared_ptr<socket_dialer> self,
                                                std::shared_ptr<scope> owner, core::origin to,
                                                const core::proxy_server* via,
                                                dial_progress& progress);

    const dialer_parts parts_;
};

// To the proxy or, without one, to the server.
asio::awaitable<tcp::socket> socket_dialer::connect(std::shared_ptr<socket_dialer> self,
                                                    std::shared_ptr<scope> owner, core::origin to,
                                                    const core::proxy_server* via,
                                                    dial_progress& progress)
{
    const auto& parts = self->parts_;
    const auto& host = via ? via->host : to.host;
    const auto port = via ? via->port : to.port;
    progress.where = phase::resolve;
    auto since = owner->timer().now();
    error_code ec;
    resolver::addresses addresses;
    try
    {
        addresses = co_await parts.names->resolve(host, port);
    }
    catch (const boost::system::system_error& failure)
    {
        ec = failure.code();
    }
    owner->check();
    if (ec)
        throw no_address(host, via != nullptr, ec);
    progress.timings.resolve = owner->timer().now() - since;

    progress.where = phase::connect;
    since = owner->timer().now();
    tcp::socket socket(parts.executor);
    try
    {
        socket = co_await connect_any(owner, parts.executor, std::move(addresses),
                                      parts.options.connection_attempt_delay);
    }
    catch (const boost::system::system_error& failure)
    {
        ec = failure.code();
    }
    owner->check();
    if (ec)
    {
        parts.names->forget(host, port);
        const auto name = via ? "the proxy " + core::to_string(*via) : core::to_string(to);
        throw no_connection(name, via != nullptr, ec);
    }
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    if (parts.options.tcp_keepalive)
        os::enable_keepalive(socket);
    if (via && to.tls)
    {
        progress.where = phase::proxy;
        socket = co_await open_tunnel(owner, std::move(socket), *via, to, parts.head_limit);
    }
    progress.timings.connect = owner->timer().now() - since;
    co_return socket;
}

asio::awaitable<std::unique_ptr<byte_stream>> socket_dialer::dial_with(
    std::shared_ptr<socket_dialer> self, std::shared_ptr<scope> owner, core::origin to,
    const core::proxy_server* via, dial_progress& progress)
{
    auto socket = co_await connect(self, owner, to, via, progress);
    if (!to.tls)
        co_return std::make_unique<tcp_stream>(std::move(socket));

    progress.where = phase::tls;
    const auto since = owner->timer().now();
    auto secured = co_await self->parts_.tls()->secure(owner, std::move(socket), to.host, to.port);
    progress.tls_resumed = secured.resumed;
    progress.demand = secured.demand;
    progress.timings.tls = owner->timer().now() - since;
    co_return std::move(secured.stream);
}

}  // namespace

std::shared_ptr<dialer> make_dialer(dialer_parts parts)
{
    return std::make_shared<socket_dialer>(std::move(parts));
}

}  // namespace regolo::net
