#include "testing/connection.hpp"

#include <boost/asio/socket_base.hpp>
#include <boost/asio/write.hpp>

#include <utility>

namespace asio = boost::asio;

namespace regolo::inline v0::testing {

namespace {

using boost::system::error_code;

constexpr std::string_view handshake_failure_alert("\x15\x03\x03\x00\x02\x02\x28", 7);

}  // namespace

connection::connection(asio::ip::tcp::socket socket, std::size_t number, server_state& server,
                       const tls_context* tls, std::chrono::milliseconds idle_limit,
                       std::function<void(std::size_t)> on_end)
    : socket_(std::move(socket)),
      timer_(socket_.get_executor()),
      number_(number),
      server_(server),
      idle_limit_(idle_limit),
      on_end_(std::move(on_end))
{
    if (tls != nullptr)
        tls_.emplace(*tls);
}

void connection::start()
{
    error_code ignored;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    is_busy_ = tls_.has_value();
    if (auto script = server_.script_for_connection())
    {
        steps_ = script->steps();
        open(script->how_it_opens());
    }
    if (is_closed_)
        return;
    read();
    advance();
}

void connection::open(opening how)
{
    opening_ = how;
    if (how == opening::normal)
        return;
    is_busy_ = true;
    if (how == opening::rst)
        end_with_reset();
    else if (how == opening::fin || (how == opening::refuse_handshake && !tls_))
        shut_down_sending();
}

void connection::end_in_order()
{
    if (is_closed_ || is_ending_)
        return;
    if (tls_)
        tls_->send_close_notify();
    is_busy_ = is_ending_ = sends_fin_ = true;
    flush();
}

void connection::end_with_reset()
{
    error_code ignored;
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    end(false);
}

void connection::end(bool by_client)
{
    if (std::exchange(is_closed_, true))
        return;
    error_code ignored;
    socket_.close(ignored);
    timer_.cancel();
    if (awaited_)
        awaited_->forget(this);
    steps_.clear();
    const bool shook_hands = !tls_ || tls_->status() != tls_session::state::handshake;
    server_.record([&](server_counts& counts) {
        --counts.open;
        counts.closed_by_client += by_client;
        counts.handshakes_failed += !shook_hands && opening_ == opening::normal;
    });
    on_end_(number_);
}

void connection::read()
{
    if (is_closed_ || !reads_)
        return;
    socket_.async_read_some(asio::buffer(input_),
                            [self = shared_from_this()](error_code error, std::size_t size) {
                                self->on_read(size, error.failed());
                            });
}

void connection::on_read(std::size_t size, bool failed)
{
    if (is_closed_)
        return;
    if (failed)
        return end(!is_ending_);
    const std::string_view bytes(input_.data(), size);
    if (opening_ != opening::normal)
        on_bytes_before_handshake();
    else if (!tls_)
        on_plain_bytes(bytes);
    else
    {
        std::string plain;
        const auto before = tls_->status();
        tls_->receive(bytes, plain);
        if (before == tls_session::state::handshake)
            on_handshake_bytes();
        flush();
        on_plain_bytes(plain);
        if (!is_closed_ &&
            (tls_->status() == tls_session::state::closed ||
             tls_->status() == tls_session::state::failed) &&
            !sends_fin_)
            end(!is_ending_);
    }
    read();
}

void connection::on_bytes_before_handshake()
{
    if (opening_ != opening::refuse_handshake || is_ending_)
        return;
    output_.append(handshake_failure_alert);
    is_ending_ = sends_fin_ = true;
    flush();
}

void connection::on_handshake_bytes()
{
    if (tls_->status() == tls_session::state::failed)
    {
        server_.record([](server_counts& counts) { ++counts.handshakes_failed; });
        is_ending_ = sends_fin_ = true;  // after OpenSSL's alert
        return;
    }
    if (tls_->status() == tls_session::state::handshake)
        return;
    server_.record([resumed = tls_->is_resumed()](server_counts& counts) {
        ++(resumed ? counts.handshakes_resumed : counts.handshakes_full);
    });
    is_busy_ = false;
}

void connection::on_plain_bytes(std::string_view bytes)
{
    if (is_closed_)
        return;
    if (is_ending_)
    {
        if (!bytes.empty())
            end_with_reset();  // as a closed socket answers data
        return;
    }
    if (!bytes.empty() && !is_busy_)
        ++wait_number_;  // no longer idle
    reader_.push(bytes);
    while (auto request = reader_.take())
    {
        request->connection = number_;
        server_.record_request(*request);
        waiting_requests_.push_back(std::move(*request));
    }
    if (reader_.has_failed())
    {
        steps_.clear();
        write("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", false);
        end_in_order();
        return;
    }
    advance();
}

void connection::write(std::string_view plain, bool is_piece)
{
    writes_piece_ = is_piece;
    if (tls_)
        tls_->send(plain);
    else
        output_.append(plain);
    await_written();
}

void connection::write_raw(std::string_view bytes)
{
    output_.append(bytes);
    await_written();
}

void connection::await_written()
{
    flush();
    is_busy_ = writes_step_ = !writing_.empty();
}

void connection::flush()
{
    if (is_closed_)
        return;
    if (tls_ && opening_ == opening::normal)
        output_.append(tls_->take_output());
    if (!writing_.empty())
        return;
    if (output_.empty())
    {
        if (std::exchange(sends_fin_, false))
            shut_down_sending();
        return;
    }
    writing_.swap(output_);
    asio::async_write(socket_, asio::buffer(writing_),
                      [self = shared_from_this()](error_code error, std::size_t) {
                          self->writing_.clear();
                          if (error)
                              self->end(true);
                          else
                              self->drained();
                      });
}

void connection::drained()
{
    flush();
    if (is_closed_ || !writing_.empty() || !std::exchange(writes_step_, false))
        return;
    if (std::exchange(writes_piece_, false) && current_)
        server_.record_piece(current_->sequence);
    if (!is_ending_)
        resume();
}

void connection::shut_down_sending()
{
    is_ending_ = true;
    error_code ignored;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    server_.record([](server_counts& counts) { ++counts.fins_sent; });
}

}  // namespace regolo::inline v0::testing
