#pragma once

#include <regolo/testing/gate.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace regolo::inline v0::testing {

/// What a server does with a connection before the first step of its script.
enum class opening
{
    /// Accepts the TCP connection and, with TLS, shakes hands.
    normal,
    /// Answers the ClientHello with a fatal handshake_failure alert and FIN.
    refuse_handshake,
    /// Keeps the connection open and never sends a byte.
    never_handshake,
    /// FIN at once.
    fin,
    /// RST at once.
    rst,
};

/// Yields the next piece of an answer; false at its end.
using piece_source = std::function<bool(std::string& piece)>;

/// The steps a script is made of; a test writes them with the members of `script`.
namespace step {
struct expect_request
{};
/// A part of a request, or a whole one that came at once.
struct expect_part
{};
/// The answer the server would have given without a script.
struct simulate
{};
/// Bytes, cut before each offset of `cuts`; each piece is a write, and with TLS a record, of its own.
struct send
{
    std::string bytes;
    std::vector<std::size_t> cuts;
    bool counted = false;
};
/// Bytes put on the TCP connection beside the TLS session.
struct send_raw
{
    std::string bytes;
};
/// Pieces made one by one while the client takes them; `interval` apart, zero means without delay.
struct stream
{
    piece_source next;
    std::chrono::nanoseconds interval{0};
};
struct pause
{
    std::chrono::nanoseconds length{0};
};
struct wait_gate
{
    gate until;
};
struct open_gate
{
    gate which;
};
/// Reads nothing more, so that the client's sends pile up.
struct stop_reading
{};
struct stall
{};
struct fin
{};
struct cut_tls
{};
struct rst
{};
}  // namespace step

using script_step =
    std::variant<step::expect_request, step::expect_part, step::simulate, step::send,
                 step::send_raw, step::stream, step::pause, step::wait_gate, step::open_gate,
                 step::stop_reading, step::stall, step::fin, step::cut_tls, step::rst>;

/** One connection, or one answer, written by hand.

    @code
    gate more;
    server.enqueue(script().expect_request().start_stream().event(first).pause(more).event(second).rst());
    @endcode

    A script given to `test_server::enqueue()` is taken by the next connection, or by the next request on a connection
    whose own script is used up. After its last step the connection stays open and later requests are answered by the next
    script, the handler or the simulation; a script that is to end it says `fin()`, `rst()` or `stall()`.
    A script that a handler returns is the answer only: it begins after the request.
*/
class script
{
public:
    script() = default;

    /// Before the first step; scripts with an opening other than normal are taken by new connections only.
    script& open_with(opening how);

    /// Waits for a whole request, head and body; again for every further one on the same connection.
    script& expect_request();

    /** Waits for the first bytes of a request, at most 16 KiB, so that what follows strikes in the middle of a larger one.
        A smaller one comes whole and counts as received. */
    script& expect_part();

    /// Answers as the handler or the simulation would.
    script& simulate();

    /// Sends the bytes as they are in one write.
    script& send(std::string bytes);

    /// Sends the bytes in pieces of `size`, the last one perhaps shorter.
    script& send_pieces(std::string bytes, std::size_t size);

    /// Sends the bytes cut at the given offsets (ascending; those out of range are ignored).
    script& send_cut(std::string bytes, std::vector<std::size_t> offsets);

    /// Sends bytes below TLS: garbage for the client's TLS layer. Without TLS the same as `send()`.
    script& send_raw(std::string bytes);

    /// Sends what `next` yields, each piece in a write of its own.
    script& stream(piece_source next, std::chrono::nanoseconds interval = {});

    /// A whole answer with Content-Length.
    script& respond(int status, std::string_view content_type, std::string_view body,
                    std::string_view more_headers = {});

    /// The head of a chunked event stream.
    script& start_stream(std::string_view more_headers = {});

    /// One `data:` event in an HTTP chunk of its own.
    script& event(std::string_view data);

    /// The chunk that ends the body.
    script& end_stream();

    script& pause(std::chrono::nanoseconds length);
    script& pause(gate until);
    script& open(gate which);

    /// Stops reading from the connection; a client that closes is then noticed only by a failing write.
    script& stop_reading();

    /// Does nothing more until the client closes or the server stops.
    script& stall();

    /// An orderly end: close_notify with TLS, then FIN.
    script& fin();

    /// FIN without close_notify.
    script& cut_tls();

    /// RST; what the client has not read yet is lost.
    script& rst();

    /// Appends the steps of another script.
    script& then(const script& other);

    script& add(script_step next);

    [[nodiscard]] opening how_it_opens() const noexcept { return opening_; }
    [[nodiscard]] const std::deque<script_step>& steps() const noexcept { return steps_; }

private:
    opening opening_ = opening::normal;
    std::deque<script_step> steps_;
};

/// The bytes as one chunk of a chunked body.
[[nodiscard]] std::string http_chunk(std::string_view bytes);

/// The chunk that ends a chunked body.
[[nodiscard]] std::string_view last_http_chunk() noexcept;

/// An HTTP/1.1 status line and headers; `more_headers` are whole lines, each with CRLF, which the last
/// one may lack.
[[nodiscard]] std::string http_head(int status, std::string_view more_headers);

}  // namespace regolo::inline v0::testing
