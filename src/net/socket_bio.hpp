#pragma once

#include "net/world.hpp"

#include <openssl/ssl.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace regolo::net {

/** A socket as OpenSSL reads and writes it; neither waits.

    What is written is sent at once, without a SIGPIPE; what the socket does not take of it is kept and sent before anything else, since a
    read may have to write as well (a change of keys), which must not get into a record of a write that waits. What is read was brought by an operation of Asio's, which costs no
    more system calls than waiting does, into a buffer that is small, since every connection that waits has one. Where that came
    full there is more, and OpenSSL's own buffer takes it straight from the socket, but for the small rest of a
    record.
*/
class socket_bio
{
public:
    /// @throws boost::system::system_error
    explicit socket_bio(tcp::socket socket);
    socket_bio(const socket_bio&) = delete;
    socket_bio& operator=(const socket_bio&) = delete;

    /// Makes this the input and output of `connection`, which must end before. @throws std::bad_alloc
    void connect(SSL* connection);

    [[nodiscard]] tcp::socket& socket() noexcept { return socket_; }

    /// Room for one receive. OpenSSL finds nothing to read until that has ended.
    [[nodiscard]] asio::mutable_buffer begin_receive() noexcept;
    void end_receive(std::size_t bytes) noexcept;
    /// The socket was seen to have something.
    void note_input() noexcept { has_more_ = !receives_; }

    /// Something has arrived that OpenSSL has not read yet.
    [[nodiscard]] bool has_part() const noexcept { return begin_ != end_; }
    /// There may be something to read.
    [[nodiscard]] bool has_input() const noexcept { return begin_ != end_ || has_more_; }
    /// OpenSSL has asked for more than there was, and has got nothing since.
    [[nodiscard]] bool is_starved() const noexcept { return is_starved_; }
    /// What the socket last failed with; told once.
    [[nodiscard]] error_code take_failure() noexcept;

    /// Something that OpenSSL has written has not been sent yet.
    [[nodiscard]] bool has_unsent() const noexcept { return !unsent_.empty(); }
    /// Sends it, as far as the socket takes it. True: all of it.
    bool flush() noexcept;

private:
    struct callbacks;

    int read(BIO* as, char* into, std::size_t size) noexcept;
    int write(BIO* as, const char* from, std::size_t size) noexcept;
    bool keep(std::string_view bytes) noexcept;
    bool would_block(const error_code& ec) noexcept;

    tcp::socket socket_;
    std::array<char, 640> buffer_;
    std::size_t begin_ = 0;  // what has arrived: [begin_, end_)
    std::size_t end_ = 0;
    bool receives_ = false;  // the buffer is an operation's
    bool has_more_ = false;  // the socket may
    bool is_starved_ = false;
    error_code failure_;
    std::string unsent_;
};

}  // namespace regolo::net
