#include "testing/connection.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

// The half of `connection` that carries out scripts.

namespace asio = boost::asio;

namespace regolo::inline v0::testing {

namespace {

using clock = std::chrono::steady_clock;
using boost::system::error_code;

}  // namespace

void connection::advance()
{
    while (!is_busy_ && !is_closed_ && !is_ending_)
    {
        if (steps_.empty())
        {
            if (!take_up_next_request())
                return;
            continue;
        }
        const auto result = std::visit([this](auto& step) { return run(step); }, steps_.front());
        if (is_closed_ || result == outcome::blocked)
            return;
        if (result == outcome::done)
        {
            steps_.pop_front();
            offset_ = next_cut_ = 0;
            due_.reset();
        }
    }
}

void connection::resume()
{
    is_busy_ = false;
    advance();
}

bool connection::take_up_next_request()
{
    note_answer();
    if (waiting_requests_.empty())
    {
        if (idle_limit_.count() > 0 && !reader_.is_inside_request())
            wait(clock::now() + idle_limit_, [this] { end_in_order(); });
        return false;
    }
    current_ = std::move(waiting_requests_.front());
    waiting_requests_.pop_front();
    steps_ = server_.answer(*current_).steps();
    return true;
}

void connection::note_answer()
{
    if (current_)
        server_.record_answer(current_->sequence);
    current_.reset();
}

void connection::wait(clock::time_point until, std::function<void()> then)
{
    timer_.expires_at(until);
    timer_.async_wait([self = shared_from_this(), number = ++wait_number_,
                       then = std::move(then)](error_code error) {
        if (!error && !self->is_closed_ && number == self->wait_number_)
            then();
    });
}

connection::outcome connection::run(step::expect_request&)
{
    note_answer();
    if (waiting_requests_.empty())
        return outcome::blocked;
    current_ = std::move(waiting_requests_.front());
    waiting_requests_.pop_front();
    return outcome::done;
}

connection::outcome connection::run(step::expect_part&)
{
    note_answer();
    const bool has_some = reader_.is_inside_request() || !waiting_requests_.empty();
    return has_some ? outcome::done : outcome::blocked;
}

connection::outcome connection::run(step::simulate&)
{
    const auto answer = server_.default_answer(current_.value_or(received_request()));
    steps_.pop_front();
    steps_.insert(steps_.begin(), answer.steps().begin(), answer.steps().end());
    return outcome::again;
}

connection::outcome connection::run(step::send& send)
{
    while (next_cut_ < send.cuts.size() && send.cuts[next_cut_] <= offset_)
        ++next_cut_;
    const auto cut = next_cut_ < send.cuts.size() ? send.cuts[next_cut_] : send.bytes.size();
    const auto end = std::min(cut, send.bytes.size());
    const auto begin = std::exchange(offset_, end);
    write(std::string_view(send.bytes).substr(begin, end - begin), send.counted);
    return end == send.bytes.size() ? outcome::done : outcome::again;
}

connection::outcome connection::run(step::send_raw& send)
{
    write_raw(send.bytes);
    return outcome::done;
}

connection::outcome connection::run(step::stream& stream)
{
    if (stream.interval.count() > 0)
    {
        if (!due_)
            due_ = clock::now();
        if (clock::now() < *due_)
        {
            is_busy_ = true;
            wait(*due_, [this] { resume(); });
            return outcome::again;
        }
        *due_ += stream.interval;
    }
    std::string piece;
    if (!stream.next(piece))
        return outcome::done;
    write(piece, true);
    return outcome::again;
}

connection::outcome connection::run(step::pause& pause)
{
    is_busy_ = true;
    wait(clock::now() + pause.length, [this] { resume(); });
    return outcome::done;
}

connection::outcome connection::run(step::wait_gate& wait)
{
    awaited_ = wait.until;
    is_busy_ = true;
    const auto go_on = [executor = socket_.get_executor(), weak = weak_from_this()] {
        asio::post(executor, [weak] {
            if (const auto self = weak.lock(); self && !self->is_closed_)
                self->resume();
        });
    };
    if (!awaited_->when_open(this, go_on))
        is_busy_ = false;
    return outcome::done;
}

connection::outcome connection::run(step::open_gate& open)
{
    open.which.open();
    return outcome::done;
}

connection::outcome connection::run(step::stop_reading&)
{
    reads_ = false;
    return outcome::done;
}

connection::outcome connection::run(step::stall&)
{
    is_busy_ = true;
    return outcome::done;
}

connection::outcome connection::run(step::fin&)
{
    note_answer();
    end_in_order();
    return outcome::done;
}

connection::outcome connection::run(step::cut_tls&)
{
    is_busy_ = is_ending_ = sends_fin_ = true;
    flush();
    return outcome::done;
}

connection::outcome connection::run(step::rst&)
{
    end_with_reset();
    return outcome::done;
}

}  // namespace regolo::inline v0::testing
