// F1, the floor of one connection at a time: blocking OpenSSL with read-ahead, or a socket alone. It counts events, and looks at
// nothing else in them.

#include "clients/report.hpp"

#include <openssl/ssl.h>

#include <array>
#include <cstring>
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

/// Events, by their blank lines ("\n\n" stands nowhere else in the stream), until the last chunk.
void read_stream(blocking_link& from, counts& so_far)
{
    static constexpr std::string_view end = "\r\n0\r\n\r\n";
    std::string tail;  // the last bytes, in which the end may begin
    char last = 0;
    for (;;)
    {
        const auto bytes = from.read();
        const char* at = bytes.data();
        const char* const stop = at + bytes.size();
        if (last == '\n' && *at == '\n')
            ++so_far.chunks;
        while ((at = static_cast<const char*>(
                    std::memchr(at, '\n', static_cast<std::size_t>(stop - at)))) != nullptr)
        {
            ++at;
            if (at == stop)
                break;
            so_far.chunks += *at == '\n' ? 1 : 0;
        }
        last = bytes.back();
        tail.append(bytes.substr(bytes.size() - std::min(bytes.size(), end.size())));
        tail.erase(0, tail.size() - std::min(tail.size(), end.size()));
        if (tail == end)
        {
            --so_far.chunks;  // [DONE]
            return;
        }
    }
}

void read_whole(blocking_link& from)
{
    std::string head;
    std::size_t end = std::string::npos;
    while (end == std::string::npos)
    {
        head.append(from.read());
        end = head.find("\r\n\r\n");
    }
    const auto field = head.find("content-length: ");
    const auto size = std::stoul(head.substr(field + 16, 20));
    for (auto got = head.size() - end - 4; got < size;)
        got += from.read().size();
}

void ask(blocking_link& with, const job& what, const std::string& request, counts& so_far)
{
    with.write(request);
    if (what.streams())
        read_stream(with, so_far);
    else
        read_whole(with);
    ++so_far.requests;
}

}  // namespace

}  // namespace regolo::bench

int main(int argc, char** argv)
try
{
    using namespace regolo::bench;
    const auto what = parse_job(argc, argv);
    const auto request = request_text(what);
    blocking_link with(what);
    counts first;
    ask(with, what, request, first);
    const meter time;
    counts all;
    while (all.requests < static_cast<std::uint64_t>(what.requests))
        ask(with, what, request, all);
    time.report(all);
    return EXIT_SUCCESS;
}
catch (const std::exception& error)
{
    std::cerr << "error: " << error.what() << '\n';
    return EXIT_FAILURE;
}
