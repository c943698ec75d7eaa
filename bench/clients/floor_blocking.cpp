// F1, the floor of one connection at a time: blocking OpenSSL with read-ahead, or a socket alone. It counts events, and looks at
// nothing else in them.

#include "clients/answer_counter.hpp"
#include "clients/floor.hpp"

#include <openssl/ssl.h>

#include <array>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

namespace regolo::bench {

namespace {

class blocking_link
{
public:
    blocking_link(const target& to, const tls& secure)
    {
        const auto peer = resolve(to);
        fd_ = ::socket(peer->ai_family, peer->ai_socktype, 0);
        if (::connect(fd_, peer->ai_addr, peer->ai_addrlen) != 0)
            throw std::runtime_error("no connection");
        send_at_once(fd_);
        if (!to.tls)
            return;
        ssl_ = secure.make();
        SSL_set_fd(ssl_.get(), fd_);
        if (SSL_connect(ssl_.get()) != 1)
            throw std::runtime_error("no handshake");
    }
    ~blocking_link()
    {
        if (ssl_)
            SSL_shutdown(ssl_.get());  // or its session would count for broken
        ::close(fd_);
    }
    blocking_link(const blocking_link&) = delete;
    blocking_link& operator=(const blocking_link&) = delete;

    void write(std::string_view bytes)
    {
        const auto n =
            ssl_ != nullptr
                ? SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
                : static_cast<int>(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
        if (n != static_cast<int>(bytes.size()))
            throw std::runtime_error("the request did not go out");
    }

    std::string_view read()
    {
        const auto n = ssl_ != nullptr
                           ? SSL_read(ssl_.get(), buffer_.data(), static_cast<int>(buffer_.size()))
                           : static_cast<int>(::recv(fd_, buffer_.data(), buffer_.size(), 0));
        if (n <= 0)
            throw std::runtime_error("the answer broke off");
        return {buffer_.data(), static_cast<std::size_t>(n)};
    }

private:
    int fd_ = -1;
    owned<SSL> ssl_;
    std::array<char, 65536> buffer_;
};

void run(const job& what)
{
    const auto request = request_text(what);
    const tls secure;
    std::unique_ptr<blocking_link> with;
    counts all;
    answer_counter counter(what.streams(), all);
    measure(what, [&](long requests) {
        all = {};
        while (all.requests != static_cast<std::uint64_t>(requests))
        {
            if (!with)
                with = std::make_unique<blocking_link>(what, secure);
            with->write(request);
            while (!counter.push(with->read()))
                ;
            if (what.workload == "close")
                with.reset();
        }
        return all;
    });
}

}  // namespace

}  // namespace regolo::bench

int main(int argc, char** argv)
{
    using namespace regolo::bench;
    return run_job(argc, argv, run);
}
