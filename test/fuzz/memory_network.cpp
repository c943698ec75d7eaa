#include "memory_network.hpp"

#include "fuzz.hpp"

#include <boost/asio/append.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <cstring>

namespace regolo::fuzz {

namespace {

/// What one read brings at most, so that limits are seen to end the reading.
constexpr std::size_t read_size = 256;

class stream final : public net::byte_stream
{
public:
    explicit stream(std::shared_ptr<memory_connection> connection) : to_(std::move(connection)) {}
    ~stream() override { to_->close(); }
    stream(const stream&) = delete;
    stream& operator=(const stream&) = delete;

    void async_read_some(asio::mutable_buffer into, handler done) override
    {
        to_->read(into, std::move(done));
    }
    void async_write_some(asio::const_buffer from, handler done) override
    {
        to_->write(from, std::move(done));
    }
    void async_wait_readable(wait_handler done) override { to_->wait(std::move(done)); }
    void cancel_wait() noexcept override { to_->cancel_wait(); }
    silence peek() noexcept override { return to_->peek(); }
    std::optional<std::uint64_t> acknowledged() noexcept override { return std::nullopt; }
    bool has_part() noexcept override { return false; }
    void close() noexcept override { to_->close(); }

private:
    std::shared_ptr<memory_connection> to_;
};

/// Where the request at the front ends; 0 if it is not complete.
std::size_t end_of_request(std::string_view bytes, std::string_view head)
{
    constexpr std::string_view length = "Content-Length: ";
    if (head.find("Transfer-Encoding: chunked") != head.npos)
    {
        const auto last = bytes.find("\r\n0\r\n\r\n", head.size() - 2);
        return last == bytes.npos ? 0 : last + 7;
    }
    std::size_t size = 0;
    if (const auto at = head.find(length); at != head.npos)
        size = std::stoul(std::string(head.substr(at + length.size(), 10)));
    return bytes.size() < head.size() + size ? 0 : head.size() + size;
}

}  // namespace

std::unique_ptr<net::byte_stream> make_stream(std::shared_ptr<memory_connection> connection)
{
    return std::make_unique<stream>(std::move(connection));
}

template <class Handler, class... Results>
void memory_connection::complete(Handler& handler, Results... results)
{
    asio::post(io_, asio::append(std::move(handler), results...));
}

void memory_connection::read(asio::mutable_buffer into, net::byte_stream::handler done)
{
    check(!read_done_, "a second read is started");
    read_into_ = into;
    read_done_ = std::move(done);
    read_work_.emplace(io_.get_executor());
    try_read();
}

void memory_connection::write(asio::const_buffer from, net::byte_stream::handler done)
{
    check(!write_done_, "a second write is started");
    write_from_ = from;
    write_done_ = std::move(done);
    write_work_.emplace(io_.get_executor());
    try_write();
}

void memory_connection::wait(net::byte_stream::wait_handler done)
{
    check(!wait_done_, "a second wait is started");
    wait_done_ = std::move(done);
    wait_work_.emplace(io_.get_executor());
    try_wait();
}

void memory_connection::cancel_wait()
{
    if (wait_done_)
        complete(wait_done_, net::error_code(asio::error::operation_aborted));
    wait_work_.reset();
}

net::byte_stream::silence memory_connection::peek() const noexcept
{
    if (!inbound_.empty())
        return net::byte_stream::silence::data;
    return end_ || closed_ ? net::byte_stream::silence::closed : net::byte_stream::silence::quiet;
}

void memory_connection::close()
{
    closed_ = true;
    end_ = asio::error::operation_aborted;
    inbound_.clear();
    try_read();
    try_write();
    cancel_wait();
}

void memory_connection::deliver(std::string_view bytes)
{
    if (closed_ || end_)
        return;
    inbound_ += bytes;
    try_read();
    try_wait();
}

void memory_connection::end(net::error_code how)
{
    if (end_)
        return;
    end_ = how;
    try_read();
    try_write();
    try_wait();
}

void memory_connection::take_writes(writing how)
{
    writing_ = how;
    try_write();
}

void memory_connection::try_read()
{
    if (!read_done_ || (inbound_.empty() && !end_))
        return;
    const auto size = std::min({read_into_.size(), inbound_.size(), read_size});
    if (size > 0)
    {
        std::memcpy(read_into_.data(), inbound_.data(), size);
        if (!exchanges_.empty())
            exchanges_.back().delivered.append(inbound_, 0, size);
        inbound_.erase(0, size);
        complete(read_done_, net::error_code(), size);
    }
    else
    {
        if (!exchanges_.empty() && *end_ == asio::error::eof)
            exchanges_.back().closed = true;
        complete(read_done_, *end_, std::size_t{0});
    }
    read_work_.reset();
}

void memory_connection::try_write()
{
    if (!write_done_)
        return;
    if (end_)
    {
        const bool by_us = *end_ == asio::error::operation_aborted;
        complete(write_done_, by_us ? *end_ : net::error_code(asio::error::broken_pipe),
                 std::size_t{0});
        write_work_.reset();
        return;
    }
    if (writing_ == writing::stalled)
        return;
    const auto size =
        std::min<std::size_t>(write_from_.size(), writing_ == writing::all ? 4096 : 1);
    outbound_.append(static_cast<const char*>(write_from_.data()), size);
    note_requests();
    complete(write_done_, net::error_code(), size);
    write_work_.reset();
}

void memory_connection::try_wait()
{
    if (!wait_done_ || (inbound_.empty() && !end_))
        return;
    complete(wait_done_, net::error_code());
    wait_work_.reset();
}

/// An exchange begins with the head of its request, and the next one behind its body.
void memory_connection::note_requests()
{
    constexpr std::string_view name = "x-fuzz-call: ";
    const auto end = outbound_.find("\r\n\r\n");
    if (end == std::string::npos)
        return;
    const auto head = std::string_view(outbound_).substr(0, end + 4);
    if (!head_seen_)
    {
        const auto at = head.find(name);
        check(at != head.npos, "a request without the field that was asked for");
        check(head.find("Authorization: Bearer " + std::string(secret) + "\r\n") != head.npos,
              "a request without its key");
        const auto call = std::stoul(std::string(head.substr(at + name.size(), 4)));
        exchanges_.push_back({++count_, call, "", false});
        head_seen_ = asked_ = true;
    }
    if (const auto size = end_of_request(outbound_, head); size != 0)
    {
        check(size == outbound_.size(), "there is something behind a request");
        outbound_.clear();
        head_seen_ = false;
    }
}

}  // namespace regolo::fuzz
