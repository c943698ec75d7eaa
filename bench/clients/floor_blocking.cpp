// F1, the floor of one connection at a time: blocking OpenSSL with read-ahead, or a socket alone. It counts events, and looks at
// nothing else in them.

#include "clients/answer_counter.hpp"

#include <openssl/ssl.h>

#include <array>
#include <memory>
#include <netdb.h>
#include <netinet/tcp.h>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

namespace regolo::bench {

namespace {

class blocking_link
{
public:
    explicit blocking_link(const job& to)
    {
        addrinfo hints{};
        hints.ai_family = AF_INET;
        hints.ai_socktype = SOCK_STREAM;
        addrinfo* found = nullptr;
        if (::getaddrinfo(to.host.c_str(), to.port.c_str(), &hints, &found) != 0)
            throw std::runtime_error("no such host");
        fd_ = ::socket(found->ai_family, found->ai_socktype, 0);
        const int connected = ::connect(fd_, found->ai_addr, found->ai_addrlen);
        ::freeaddrinfo(found);
        if (connected != 0)
            throw std::runtime_error("no connection");
        const int on = 1;
        ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (!to.tls)
            return;
        context_ = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_read_ahead(context_, 1);
        ssl_ = SSL_new(context_);
        SSL_set_fd(ssl_, fd_);
        if (SSL_connect(ssl_) != 1)
            throw std::runtime_error("no handshake");
    }
    ~blocking_link()
    {
        SSL_free(ssl_);
        SSL_CTX_free(context_);
        ::close(fd_);
    }
    blocking_link(const blocking_link&) = delete;
    blocking_link& operator=(const blocking_link&) = delete;

    void write(std::string_view bytes)
    {
        const auto n =
            ssl_ != nullptr
                ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                : static_cast<int>(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
        if (n != static_cast<int>(bytes.size()))
            throw std::runtime_error("the request did not go out");
    }

    std::string_view read()
    {
        const auto n = ssl_ != nullptr
                           ? SSL_read(ssl_, buffer_.data(), static_cast<int>(buffer_.size()))
                           : static_cast<int>(::recv(fd_, buffer_.data(), buffer_.size(), 0));
        if (n <= 0)
            throw std::runtime_error("the answer broke off");
        return {buffer_.data(), static_cast<std::size_t>(n)};
    }

private:
    int fd_ = -1;
    SSL_CTX* context_ = nullptr;
    SSL* ssl_ = nullptr;
    std::array<char, 65536> buffer_;
};

}  // namespace

}  // namespace regolo::bench

int main(int argc, char** argv)
try
{
    using namespace regolo::bench;
    const auto what = parse_job(argc, argv);
    const auto request = request_text(what);
    blocking_link with(what);
    counts all;
    answer_counter counter(what.streams(), all);
    const auto ask = [&] {
        with.write(request);
        while (!counter.push(with.read()))
            ;
    };
    ask();
    all = {};
    const meter time;
    while (all.requests != static_cast<std::uint64_t>(what.requests))
        ask();
    time.report(all);
    return EXIT_SUCCESS;
}
catch (const std::exception& error)
{
    std::cerr << "error: " << error.what() << '\n';
    return EXIT_FAILURE;
}
