#pragma once

#include "testing/request_reader.hpp"
#include "testing/server_state.hpp"
#include "testing/tls_session.hpp"

#include <regolo/testing/script.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace regolo::inline v0::testing {

/** One connection of a server: reads all the time, and carries out its script step by step.

    Lives on the server's thread alone. `on_end` is called once, when the socket is closed.
*/
class connection : public std::enable_shared_from_this<connection>
{
public:
    connection(boost::asio::ip::tcp::socket socket, std::size_t number, server_state& server,
               const tls_context* tls, std::chrono::milliseconds idle_limit,
               std::function<void(std::size_t)> on_end);

    void start();

    /// close_notify and FIN, whatever the script is at.
    void end_in_order();

    void end_with_reset();

    /// Closes the socket at once.
    void end(bool by_client);

private:
    enum class outcome
    {
        done,     // on to the next step
        again,    // the same step goes on
        blocked,  // the step waits for bytes
    };

    // Input
    void read();
    void on_read(std::size_t size, bool failed);
    void on_handshake_bytes();
    void on_plain_bytes(std::string_view bytes);
    void on_bytes_before_handshake();

    // Output; drained() goes on with the script once everything is with the system
    void write(std::string_view plain, bool is_piece);
    void write_raw(std::string_view bytes);
    void await_written();
    void flush();
    void drained();
    void shut_down_sending();

    // Script
    void open(opening how);
    void advance();
    void resume();
    bool take_up_next_request();
    void note_answer();
    void wait(std::chrono::steady_clock::time_point until, std::function<void()> then);

    outcome run(step::expect_request&);
    outcome run(step::expect_part&);
    outcome run(step::simulate&);
    outcome run(step::send& send);
    outcome run(step::send_raw& send);
    outcome run(step::stream& stream);
    outcome run(step::pause& pause);
    outcome run(step::wait_gate& wait);
    outcome run(step::open_gate& open);
    outcome run(step::stop_reading&);
    outcome run(step::stall&);
    outcome run(step::fin&);
    outcome run(step::cut_tls&);
    outcome run(step::rst&);

    boost::asio::ip::tcp::socket socket_;
    boost::asio::steady_timer timer_;
    const std::size_t number_;
    server_state& server_;
    std::optional<tls_session> tls_;
    const std::chrono::milliseconds idle_limit_;
    std::function<void(std::size_t)> on_end_;

    std::array<char, std::size_t{16} * 1024> input_;
    request_reader reader_;
    std::deque<received_request> waiting_requests_;
    std::optional<received_request> current_;  // the request being answered

    std::string output_;   // not yet given to the socket
    std::string writing_;  // belongs to the pending write

    opening opening_ = opening::normal;
    std::deque<script_step> steps_;
    std::size_t offset_ = 0;    // of the send step: bytes sent
    std::size_t next_cut_ = 0;  // of the send step: cuts passed
    std::optional<std::chrono::steady_clock::time_point>
        due_;  // of the stream step: when the next piece leaves
    std::optional<gate> awaited_;
    std::uint64_t wait_number_ = 0;  // tells a timer's handler whether it still counts

    bool is_busy_ = false;  // the script waits for a write, a timer, a gate or the handshake
    bool writes_step_ =
        false;  // the pending output belongs to a step, which goes on when it is written
    bool writes_piece_ = false;  // and it is to be counted as a piece
    bool reads_ = true;          // until stop_reading
    bool is_ending_ = false;     // nothing more is sent but what is in output_
    bool sends_fin_ = false;     // FIN follows once output_ is empty
    bool is_closed_ = false;
};

}  // namespace regolo::inline v0::testing
