#pragma once

#include <regolo/testing/certificate.hpp>
#include <regolo/testing/gate.hpp>
#include <regolo/testing/received_request.hpp>
#include <regolo/testing/script.hpp>
#include <regolo/testing/simulation.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace regolo::inline v0::testing {

class certificate_authority;

struct server_options
{
    /// Declared so that this is no aggregate: GCC 12 destroys aggregate temporaries of a co_await expression twice.
    server_options() = default;

    [[nodiscard]] static server_options plain();
    [[nodiscard]] static server_options https(leaf certificate = leaf::good);

    bool tls = true;

    /// Zero takes any free port.
    std::uint16_t port = 0;

    /// Listens on ::1 too, on the same port.
    bool ipv6 = false;

    leaf certificate = leaf::good;

    /// Signs the certificate; null makes a throw-away one. That of an earlier server lets its clients go on after a restart.
    std::shared_ptr<const certificate_authority> authority;

    tls_versions versions = tls_versions::both;

    /// Asks clients for a certificate such as `test_server::client_certificate()`.
    bool demand_client_certificate = false;

    /// Closes a connection that has waited this long for its next request, as gateways do; zero never.
    std::chrono::milliseconds idle_limit{0};

    /// SO_RCVBUF of the connections, to make a client's sends block early; zero leaves the system's.
    int receive_buffer = 0;

    /// SO_SNDBUF of the connections, to make the server's writes block early; zero leaves the system's.
    int send_buffer = 0;

    /// How many requests are kept for `requests()`; later ones are only counted.
    std::size_t kept_requests = 20000;

    simulation_options simulation;

    /// What `on_request` would be given, for clients that know the port before the server is there.
    std::function<script(const received_request&)> handler;
};

/// What has happened since the server started; `open` is the number now.
struct server_counts
{
    std::size_t accepted = 0;
    std::size_t open = 0;
    std::size_t handshakes_full = 0;
    std::size_t handshakes_resumed = 0;
    std::size_t handshakes_failed = 0;
    std::size_t requests = 0;          ///< whole requests received
    std::size_t answered = 0;          ///< answers written to their end
    std::size_t pieces_written = 0;    ///< pieces of streams handed to the system
    std::size_t fins_sent = 0;         ///< connections that the server has ended with FIN
    std::size_t closed_by_client = 0;  ///< connections the client ended, with FIN or RST
};

/** A real HTTP/1.1 server on the loopback interface, in a thread of its own.

    Answers with queued scripts first, then with the handler, then with a simulation of the API.

    @code
    test_server server(server_options::plain());
    server.enqueue(script().expect_request().respond(503, "text/plain", "not now"));
    // ... a client that uses server.url() ...
    EXPECT_EQ(server.requests().at(0).path(), "/v1/chat/completions");
    @endcode

    @par Thread safety
    Every member may be called from any thread; a handler runs on the server's thread and must not block.

    @par Lifetimes
    The destructor closes every connection and joins the thread; it does not wait for clients.
*/
class test_server
{
public:
    explicit test_server(const server_options& options = {});
    ~test_server();
    test_server(const test_server&) = delete;
    test_server& operator=(const test_server&) = delete;

    /// For example "https://127.0.0.1:40123"; no slash at the end.
    [[nodiscard]] std::string url(const std::string& host = "127.0.0.1") const;
    [[nodiscard]] std::uint16_t port() const noexcept;

    /// The certificate of the throw-away CA.
    [[nodiscard]] const std::string& ca_pem() const noexcept;

    /// That CA, for `server_options::authority` of another server.
    [[nodiscard]] std::shared_ptr<const certificate_authority> authority() const noexcept;

    /// A certificate that `demand_client_certificate` accepts.
    [[nodiscard]] certificate client_certificate(const std::string& common_name = "client") const;

    /// Queues a script for the next connection or the next request on an idle one.
    void enqueue(script next);

    /** Queues an answer for the next request to that path, such as "/v1/chat/completions"; later ones wait for their turn.
        As the script of a handler it is the answer alone. Scripts queued without a path come first. */
    void enqueue(std::string path, script answer);

    /// Answers requests that no script is queued for; an empty function gives them back to the simulation.
    void on_request(std::function<script(const received_request&)> handler);

    /// What the simulation answers, for handlers that change it a little.
    [[nodiscard]] script simulated(const received_request& request);

    /// The requests received so far, in order of their completion.
    [[nodiscard]] std::vector<received_request> requests() const;

    [[nodiscard]] server_counts counts() const;

    /** Blocks until `condition` holds, which is asked anew whenever something has happened.

        @returns false when `timeout` has passed first
    */
    [[nodiscard]] bool wait_until(
        const std::function<bool()>& condition,
        std::chrono::milliseconds timeout = std::chrono::seconds(10)) const;

    /// Ends every open connection in order, as a server does that shuts down.
    void close_connections();

    /// Ends every open connection with RST.
    void reset_connections();

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace regolo::inline v0::testing
