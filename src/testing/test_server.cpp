#include "testing/certificates.hpp"
#include "testing/connection.hpp"
#include "testing/server_state.hpp"
#include "testing/tls_session.hpp"

#include <regolo/testing/test_server.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>

namespace asio = boost::asio;

namespace regolo::inline v0::testing {

namespace {

using asio::ip::tcp;
using boost::system::error_code;

void listen(tcp::acceptor& acceptor, const tcp::endpoint& endpoint, const server_options& options)
{
    acceptor.open(endpoint.protocol());
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    if (endpoint.protocol() == tcp::v6())
        acceptor.set_option(asio::ip::v6_only(true));
    if (options.receive_buffer > 0)  // before listen(), so that accepted connections inherit it
        acceptor.set_option(asio::socket_base::receive_buffer_size(options.receive_buffer));
    if (options.send_buffer > 0)
        acceptor.set_option(asio::socket_base::send_buffer_size(options.send_buffer));
    acceptor.bind(endpoint);
    acceptor.listen();
}

}  // namespace

struct test_server::impl
{
    explicit impl(const server_options& wanted)
        : options(wanted), state(wanted), acceptor_v4(io), acceptor_v6(io), accept_pause(io)
    {
        if (!options.authority)
            options.authority = std::make_shared<certificate_authority>();
        const auto& ca = *options.authority;
        if (options.tls)
            context.emplace(ca.issue_server(options.certificate), options.versions,
                            options.demand_client_certificate ? ca.pem() : std::string());
        open_ports();
        port = acceptor_v4.local_endpoint().port();
        accept(acceptor_v4);
        if (options.ipv6)
            accept(acceptor_v6);
        thread = std::thread([this] { io.run(); });
    }

    ~impl()
    {
        asio::post(io, [this] { stop(); });
        thread.join();
    }

    void open_ports()
    {
        const auto loopback_v4 = asio::ip::address_v4::loopback();
        const auto loopback_v6 = asio::ip::address_v6::loopback();
        for (int attempt = 0;; ++attempt)
        {
            listen(acceptor_v4, {loopback_v4, options.port}, options);
            if (!options.ipv6)
                return;
            try
            {
                return listen(acceptor_v6, {loopback_v6, acceptor_v4.local_endpoint().port()},
                              options);
            }
            catch (const boost::system::system_error&)
            {
                // The free port of one family may be taken in the other.
                if (options.port != 0 || attempt == 10)
                    throw;
            }
            acceptor_v4.close();
            acceptor_v6.close();
        }
    }

    void accept(tcp::acceptor& acceptor)
    {
        acceptor.async_accept([this, &acceptor](error_code error, tcp::socket socket) {
            if (stopped)
                return;
            if (!error)
            {
                add(std::move(socket));
                accept(acceptor);
                return;
            }
            // Out of descriptors, most likely: the waiting client stays readable, so do not spin.
            accept_pause.expires_after(std::chrono::milliseconds(10));
            accept_pause.async_wait([this, &acceptor](error_code) {
                if (!stopped)
                    accept(acceptor);
            });
        });
    }

    void add(tcp::socket socket)
    {
        std::size_t number = 0;
        state.record([&](server_counts& counts) {
            number = counts.accepted++;
            ++counts.open;
        });
        const auto added = std::make_shared<connection>(
            std::move(socket), number, state, context ? &*context : nullptr, options.idle_limit,
            [this](std::size_t ended) { connections.erase(ended); });
        connections.emplace(number, added);
        added->start();
    }

    template <class Action>
    void for_each_connection(Action action)
    {
        const auto all = connections;  // ending one removes it
        for (const auto& [number, each] : all)
            action(*each);
    }

    void stop()
    {
        stopped = true;
        error_code ignored;
        acceptor_v4.close(ignored);
        acceptor_v6.close(ignored);
        accept_pause.cancel();
        for_each_connection([](connection& each) { each.end(false); });
    }

    server_options options;
    server_state state;
    std::optional<tls_context> context;
    asio::io_context io{1};
    tcp::acceptor acceptor_v4;
    tcp::acceptor acceptor_v6;
    asio::steady_timer accept_pause;
    std::unordered_map<std::size_t, std::shared_ptr<connection>> connections;
    std::uint16_t port = 0;
    bool stopped = false;
    std::thread thread;
};

server_options server_options::plain()
{
    server_options options;
    options.tls = false;
    return options;
}

server_options server_options::https(leaf certificate)
{
    server_options options;
    options.certificate = certificate;
    return options;
}

test_server::test_server(const server_options& options) : impl_(std::make_unique<impl>(options)) {}

test_server::~test_server() = default;

std::string test_server::url(const std::string& host) const
{
    const bool is_ipv6_literal = host.find(':') != std::string::npos;
    std::string url = impl_->options.tls ? "https://" : "http://";
    url.append(is_ipv6_literal ? '[' + host + ']' : host);
    return url.append(":").append(std::to_string(impl_->port));
}

std::uint16_t test_server::port() const noexcept { return impl_->port; }

const std::string& test_server::ca_pem() const noexcept { return impl_->options.authority->pem(); }

std::shared_ptr<const certificate_authority> test_server::authority() const noexcept
{
    return impl_->options.authority;
}

certificate test_server::client_certificate(const std::string& common_name) const
{
    return impl_->options.authority->issue_client(common_name);
}

void test_server::enqueue(script next) { impl_->state.enqueue(std::move(next)); }

void test_server::enqueue(std::string path, script answer)
{
    impl_->state.enqueue(std::move(path), std::move(answer));
}

void test_server::on_request(std::function<script(const received_request&)> handler)
{
    impl_->state.set_handler(std::move(handler));
}

script test_server::simulated(const received_request& request)
{
    return impl_->state.simulated(request);
}

std::vector<received_request> test_server::requests() const { return impl_->state.requests(); }

server_counts test_server::counts() const { return impl_->state.counts(); }

bool test_server::wait_until(const std::function<bool()>& condition,
                             std::chrono::milliseconds timeout) const
{
    return impl_->state.wait_until(condition, timeout);
}

void test_server::close_connections()
{
    asio::post(impl_->io, [this] {
        impl_->for_each_connection([](connection& each) { each.end_in_order(); });
    });
}

void test_server::reset_connections()
{
    asio::post(impl_->io, [this] {
        impl_->for_each_connection([](connection& each) { each.end_with_reset(); });
    });
}

}  // namespace regolo::inline v0::testing
