#pragma once

#include "testing/tls_session.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace regolo::test {

/// The way between client and server.
enum class transport
{
    plain,
    tls,          // a full handshake for each connection
    tls_resumed,  // a ticket of the connection before
    proxy,        // http:// through a proxy that passes requests on
    tunnel,       // https:// through a proxy's tunnel
};

inline constexpr transport all_transports[] = {
    transport::plain, transport::tls, transport::tls_resumed, transport::proxy, transport::tunnel};
const char* name_of(transport how);

constexpr bool is_encrypted(transport how)
{
    return how == transport::tls || how == transport::tls_resumed || how == transport::tunnel;
}

/// What goes wrong.
enum class fault
{
    end,     // an orderly end, with close_notify where there is TLS
    cut,     // FIN without it
    reset,   // RST
    stall,   // silence
    flip,    // one bit is another
    repeat,  // up to 64 bytes come twice
};

inline constexpr fault all_faults[] = {fault::end,   fault::cut,  fault::reset,
                                       fault::stall, fault::flip, fault::repeat};
const char* name_of(fault what);

/** A server, and a proxy before it where the transport has one, that answer every request with the same bytes; one fault at a
    chosen byte of what the client receives, the handshakes included.

    It runs on an io_context that the test turns, without threads and without waiting, so that a run is the same each time.
*/
class peer
{
public:
    peer(boost::asio::io_context& io, transport how);
    ~peer();
    peer(const peer&) = delete;
    peer& operator=(const peer&) = delete;

    [[nodiscard]] std::uint16_t port() const;
    /// Of the authority that all of them share: a client's trust store takes longer to load than an exchange does.
    [[nodiscard]] static const std::string& ca_pem();

    /// What requests are answered with from now on.
    void answer_with(std::string bytes) { answer_ = std::move(bytes); }
    /// What comes with every answer, at the same time but in a TLS record of its own.
    void add(std::string bytes) { extra_ = std::move(bytes); }

    /** From now on bytes to clients are counted, and at that one something happens, once. `fault::end` counts the bytes of
        the answer, the others those on the wire. */
    void arm(fault what, std::size_t at);
    void disarm();
    /// The same at once, to the connection that came last.
    void strike(fault what);
    /// The fault has happened.
    [[nodiscard]] bool has_struck() const { return has_struck_; }
    /// Bytes on the wire since it was armed.
    [[nodiscard]] std::size_t sent() const { return sent_; }

    [[nodiscard]] std::size_t open_connections() const { return open_; }
    [[nodiscard]] std::size_t requests() const { return requests_; }
    /// TLS handshakes that are done.
    [[nodiscard]] std::size_t handshakes() const { return handshakes_; }

    /// Clients are asked for a certificate from now on. They may show any, and need not.
    void ask_for_certificates();

    /// Requests are not read from now on, or are again.
    void ignore_requests(bool on) { ignores_requests_ = on; }

    /// Takes no more connections.
    void close();

private:
    struct connection;
    using tcp = boost::asio::ip::tcp;

    boost::asio::awaitable<void> accept();
    boost::asio::awaitable<void> serve(std::shared_ptr<connection> with);
    void receive(connection& with, std::string_view bytes);
    void answer(connection& with);
    void put(connection& with, std::string_view bytes);
    void write(connection& with, std::string_view bytes);
    void strike(connection& with, fault what);

    const transport how_;
    testing::tls_context tls_;
    tcp::acceptor acceptor_;
    std::string answer_;
    std::string extra_;
    std::optional<fault> armed_;
    std::size_t at_ = 0;
    std::size_t sent_ = 0;
    bool has_struck_ = false;
    bool ignores_requests_ = false;
    std::size_t open_ = 0;
    std::size_t requests_ = 0;
    std::size_t handshakes_ = 0;
    std::weak_ptr<connection> latest_;
};

}  // namespace regolo::test
