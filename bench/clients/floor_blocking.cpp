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

struct deleter
{
    void operator()(SSL_CTX* p) const noexcept { SSL_CTX_free(p); }
    void operator()(SSL* p) const noexcept { SSL_free(p); }
    void operator()(SSL_SESSION* p) const noexcept { SSL_SESSION_free(p); }
};
template <class T>
using owned = std::unique_ptr<T, deleter>;

/// What the connections share; the next one resumes the latest session.
class tls
{
public:
    tls() : context_(SSL_CTX_new(TLS_client_method()))
    {
        SSL_CTX_set_read_ahead(context_.get(), 1);
        SSL_CTX_set_session_cache_mode(context_.get(),
                                       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_set_app_data(context_.get(), this);
        SSL_CTX_sess_set_new_cb(context_.get(), [](SSL* connection, SSL_SESSION* session) {
            const auto* const context = SSL_get_SSL_CTX(connection);
            static_cast<tls*>(SSL_CTX_get_app_data(context))->latest_.reset(session);
            return 1;
        });
    }
    tls(const tls&) = delete;
    tls& operator=(const tls&) = delete;

    [[nodiscard]] owned<SSL> connect(int fd) const
    {
        owned<SSL> made(SSL_new(context_.get()));
        if (latest_)
            SSL_set_session(made.get(), latest_.get());
        SSL_set_fd(made.get(), fd);
        if (SSL_connect(made.get()) != 1)
            throw std::runtime_error("no handshake");
        return made;
    }

private:
    const owned<SSL_CTX> context_;
    owned<SSL_SESSION> latest_;
};

class blocking_link
{
public:
    blocking_link(const job& to, const tls& secure)
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
        if (to.tls)
            ssl_ = secure.connect(fd_);
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

}  // namespace

}  // namespace regolo::bench

int main(int argc, char** argv)
try
{
    using namespace regolo::bench;
    const auto what = parse_job(argc, argv);
    const auto request = request_text(what);
    const tls secure;
    auto with = std::make_unique<blocking_link>(what, secure);
    counts all;
    answer_counter counter(what.streams(), all);
    const auto ask = [&] {
        if (!with)
            with = std::make_unique<blocking_link>(what, secure);
        with->write(request);
        while (!counter.push(with->read()))
            ;
        if (what.workload == "close")
            with.reset();
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
