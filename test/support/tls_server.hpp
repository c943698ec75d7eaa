#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

namespace regolo::test {

/** A TLS server that shows whatever certificates a test wants, however weak, and answers every request with an empty list
    of models. On loopback, with a thread of its own. */
class tls_server
{
public:
    struct options
    {
        options() = default;

        std::string chain_pem;  ///< its own certificate first
        std::string key_pem;    ///< for the first one
        int min_version = 0;    ///< such as TLS1_VERSION; 0: what OpenSSL has
        int max_version = 0;    ///< the same
        std::string
            client_ca_pem;  ///< clients must show a certificate of that authority; empty: none
        std::string
            ticket_keys;  ///< 80 bytes, for servers that resume each other's sessions; empty: its own
        bool ipv6 = false;  ///< on ::1 instead of 127.0.0.1
        bool asks_anew =
            false;  ///< before each answer: for new keys, or with TLS 1.2 for another handshake
    };

    explicit tls_server(const options& how);
    ~tls_server();
    tls_server(const tls_server&) = delete;
    tls_server& operator=(const tls_server&) = delete;

    [[nodiscard]] std::string url(const std::string& host) const;
    [[nodiscard]] int connections() const noexcept { return connections_; }
    [[nodiscard]] int resumed() const noexcept { return resumed_; }

private:
    using tcp = boost::asio::ip::tcp;

    boost::asio::awaitable<void> accept();
    boost::asio::awaitable<void> serve(tcp::socket client);

    boost::asio::io_context io_{1};
    boost::asio::ssl::context context_;
    const bool asks_anew_;
    tcp::acceptor acceptor_;
    std::atomic<int> connections_ = 0;
    std::atomic<int> resumed_ = 0;
    std::thread thread_;
};

}  // namespace regolo::test
