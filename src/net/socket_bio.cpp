#include "net/socket_bio.hpp"

#include <boost/asio/error.hpp>
#include <openssl/bio.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace regolo::net {

namespace {

// A write's record, and what reads answer meanwhile.
constexpr std::size_t most_unsent = std::size_t{64} * 1024;

}  // namespace

struct socket_bio::callbacks
{
    static socket_bio& self(BIO* as) { return *static_cast<socket_bio*>(BIO_get_data(as)); }

    static int read(BIO* as, char* into, int size)
    {
        return self(as).read(as, into, static_cast<std::size_t>(size));
    }

    static int write(BIO* as, const char* from, int size)
    {
        return self(as).write(as, from, static_cast<std::size_t>(size));
    }

    static long control(BIO*, int what, long, void*) { return what == BIO_CTRL_FLUSH ? 1 : 0; }

    /// For the rest of the process.
    static const BIO_METHOD* method()
    {
        static const BIO_METHOD* const only = make();
        return only;
    }

    static const BIO_METHOD* make()
    {
        BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
        if (made == nullptr)
            throw std::bad_alloc();
        BIO_meth_set_read(made, &read);
        BIO_meth_set_write(made, &write);
        BIO_meth_set_ctrl(made, &control);
        return made;
    }
};

socket_bio::socket_bio(tcp::socket socket) : socket_(std::move(socket))
{
    socket_.non_blocking(true);
}

void socket_bio::connect(SSL* connection)
{
    BIO* const made = BIO_new(callbacks::method());
    if (made == nullptr)
        throw std::bad_alloc();
    BIO_set_data(made, this);
    BIO_set_init(made, 1);
    SSL_set_bio(connection, made, made);
}

asio::mutable_buffer socket_bio::begin_receive() noexcept
{
    begin_ = end_ = 0;
    receives_ = true;
    has_more_ = false;
    return asio::buffer(buffer_);
}

void socket_bio::end_receive(std::size_t bytes) noexcept
{
    end_ = bytes;
    receives_ = false;
    has_more_ = bytes == buffer_.size();
}

error_code socket_bio::take_failure() noexcept { return std::exchange(failure_, error_code()); }

int socket_bio::read(BIO* as, char* into, std::size_t size) noexcept
{
    BIO_clear_retry_flags(as);
    std::size_t bytes = 0;
    if (begin_ == end_ && has_more_)
    {
        // For the rest of a record OpenSSL has no more room than that. A larger buffer shows whether there is something behind it.
        const bool is_small = size < buffer_.size();
        const auto room = is_small ? begin_receive() : asio::buffer(into, size);
        error_code ec;
        bytes = socket_.receive(room, 0, ec);
        if (is_small)
            end_receive(bytes);
        has_more_ = bytes == room.size();
        if (ec && !would_block(ec))
            return -1;
    }
    if (begin_ != end_)
    {
        bytes = std::min(size, end_ - begin_);
        std::memcpy(into, buffer_.data() + begin_, bytes);
        begin_ += bytes;
    }
    is_starved_ = bytes == 0;
    if (is_starved_)
    {
        BIO_set_retry_read(as);
        return -1;
    }
    return static_cast<int>(bytes);
}

int socket_bio::write(BIO* as, const char* from, std::size_t size) noexcept
{
    BIO_clear_retry_flags(as);
    std::size_t bytes = 0;
    if (flush())
    {
        error_code ec;
        bytes = socket_.send(asio::buffer(from, size), 0, ec);
        if (ec && !would_block(ec))
            return -1;
    }
    else if (failure_)
        return -1;
    if (bytes == size || keep({from + bytes, size - bytes}))
        return static_cast<int>(size);
    if (bytes != 0)
        return static_cast<int>(bytes);
    BIO_set_retry_write(as);
    return -1;
}

bool socket_bio::flush() noexcept
{
    while (!unsent_.empty())
    {
        error_code ec;
        const auto bytes = socket_.send(asio::buffer(unsent_), 0, ec);
        if (ec)
        {
            static_cast<void>(would_block(ec));
            return false;
        }
        unsent_.erase(0, bytes);
        if (unsent_.empty())
            unsent_ = std::string();  // there is seldom any
    }
    return true;
}

/// For `flush`. False: it is too much, or there is no memory.
bool socket_bio::keep(std::string_view bytes) noexcept
{
    if (unsent_.size() + bytes.size() > most_unsent)
        return false;
    try
    {
        unsent_.append(bytes);
        return true;
    }
    catch (const std::bad_alloc&)
    {
        return false;
    }
}

/// Keeps what is a failure.
bool socket_bio::would_block(const error_code& ec) noexcept
{
    if (ec == asio::error::would_block || ec == asio::error::try_again)
        return true;
    failure_ = ec;
    return false;
}

}  // namespace regolo::net
