// F2, the floor of many connections at a time: one thread of epoll, and OpenSSL where there is TLS. Like F1 it counts events,
// and looks at nothing else in them.
//
// What makes it cheap: one receive buffer for all connections, which stays in the cache and takes as much as the kernel has;
// OpenSSL is fed from it. Edge-triggered: a receive that leaves room in the buffer has taken everything, so that none is made in
// vain, and the kernel does not look again at connections that had their turn.

#include "clients/answer_counter.hpp"

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <netdb.h>
#include <netinet/tcp.h>
#include <string_view>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace regolo::bench {

namespace {

struct deleter
{
    void operator()(SSL_CTX* p) const noexcept { SSL_CTX_free(p); }
    void operator()(SSL* p) const noexcept { SSL_free(p); }
    void operator()(BIO_METHOD* p) const noexcept { BIO_meth_free(p); }
    void operator()(addrinfo* p) const noexcept { ::freeaddrinfo(p); }
};
template <class T>
using owned = std::unique_ptr<T, deleter>;

int checked(int result, const char* what)
{
    if (result < 0)
        throw std::system_error(errno, std::generic_category(), what);
    return result;
}

/// The bytes of the connection whose turn it is.
struct received
{
    std::array<char, 256 * 1024> bytes;
    std::string_view unread;
};

class connection
{
public:
    connection(const job& what, const addrinfo& peer, SSL_CTX* context, BIO_METHOD* method,
               received& shared, counts& into)
        : fd_(checked(::socket(peer.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")),
          counter_(what.streams(), into),
          shared_(shared)
    {
        const int on = 1;
        ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        checked(::connect(fd_, peer.ai_addr, peer.ai_addrlen), "connect");
        checked(::fcntl(fd_, F_SETFL, O_NONBLOCK), "fcntl");
        if (context == nullptr)
            return;
        BIO* const bio = BIO_new(method);
        BIO_set_data(bio, this);
        BIO_set_init(bio, 1);
        ssl_.reset(SSL_new(context));
        SSL_set_bio(ssl_.get(), bio, bio);
        SSL_set_connect_state(ssl_.get());
    }
    ~connection() { ::close(fd_); }
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    [[nodiscard]] int descriptor() const noexcept { return fd_; }

    /// Sends it at once, or with the end of the handshake. Requests are small: there is always room for one.
    void ask(std::string_view request)
    {
        if (ssl_ && !shake_hands())
        {
            request_ = request;
            return;
        }
        const auto n = ssl_
                           ? SSL_write(ssl_.get(), request.data(), static_cast<int>(request.size()))
                           : static_cast<int>(send(request.data(), request.size()));
        if (n != static_cast<int>(request.size()))
            throw std::runtime_error("the request did not go out");
    }

    /// Takes what has come. @returns whether that completes the answer
    bool take()
    {
        bool done = false;
        bool more = true;
        while (more)
        {
            more = receive();
            if (!ssl_)
            {
                done = counter_.push(std::exchange(shared_.unread, {})) || done;
                continue;
            }
            if (!request_.empty())
                ask(std::exchange(request_, {}));
            if (request_.empty())
                done = decrypt() || done;
        }
        return done;
    }

    static BIO_METHOD* make_method()
    {
        BIO_METHOD* const method =
            BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "shared");
        BIO_meth_set_read_ex(method, [](BIO* bio, char* to, std::size_t size, std::size_t* got) {
            auto& unread = static_cast<connection*>(BIO_get_data(bio))->shared_.unread;
            BIO_clear_retry_flags(bio);
            *got = unread.copy(to, size);
            unread.remove_prefix(*got);
            if (*got == 0)
                BIO_set_retry_read(bio);
            return *got == 0 ? 0 : 1;
        });
        BIO_meth_set_write_ex(
            method, [](BIO* bio, const char* bytes, std::size_t size, std::size_t* sent) {
                const auto n = static_cast<connection*>(BIO_get_data(bio))->send(bytes, size);
                *sent = n < 0 ? 0 : static_cast<std::size_t>(n);
                return n < 0 ? 0 : 1;
            });
        BIO_meth_set_ctrl(method, [](BIO*, int command, long, void*) -> long {
            return command == BIO_CTRL_FLUSH ? 1 : 0;
        });
        return method;
    }

private:
    [[nodiscard]] ssize_t send(const char* bytes, std::size_t size) const
    {
        return ::send(fd_, bytes, size, MSG_NOSIGNAL);
    }

    /// @returns whether there may be more to receive
    bool receive()
    {
        const auto n = ::recv(fd_, shared_.bytes.data(), shared_.bytes.size(), 0);
        if (n == 0)
            throw std::runtime_error("the answer broke off");
        if (n < 0)
        {
            if (errno != EAGAIN)
                checked(-1, "recv");
            return false;
        }
        shared_.unread = {shared_.bytes.data(), static_cast<std::size_t>(n)};
        return shared_.unread.size() == shared_.bytes.size();
    }

    /// @returns whether it is done
    bool shake_hands()
    {
        if (SSL_is_init_finished(ssl_.get()) == 1 || SSL_do_handshake(ssl_.get()) == 1)
            return true;
        if (BIO_should_retry(SSL_get_rbio(ssl_.get())) == 0)
            throw std::runtime_error("no handshake");
        return false;
    }

    bool decrypt()
    {
        bool done = false;
        std::array<char, SSL3_RT_MAX_PLAIN_LENGTH> plain;
        // OpenSSL keeps the beginning of a record itself.
        while (!shared_.unread.empty() || SSL_has_pending(ssl_.get()) == 1)
        {
            const int n = SSL_read(ssl_.get(), plain.data(), static_cast<int>(plain.size()));
            if (n <= 0)
            {
                if (BIO_should_retry(SSL_get_rbio(ssl_.get())) == 0)
                    throw std::runtime_error("the answer broke off");
                break;
            }
            done = counter_.push({plain.data(), static_cast<std::size_t>(n)}) || done;
        }
        return done;
    }

    int fd_;
    owned<SSL> ssl_;
    std::string_view request_;  // waits for the handshake
    answer_counter counter_;
    received& shared_;
};

class crowd
{
public:
    explicit crowd(const job& what)
        : what_(what),
          request_(request_text(what)),
          epoll_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll"))
    {
        addrinfo hints{};
        hints.ai_family = AF_INET;
        hints.ai_socktype = SOCK_STREAM;
        addrinfo* found = nullptr;
        if (::getaddrinfo(what.host.c_str(), what.port.c_str(), &hints, &found) != 0)
            throw std::runtime_error("no such host");
        peer_.reset(found);
        if (!what.tls)
            return;
        context_.reset(SSL_CTX_new(TLS_client_method()));
        SSL_CTX_set_read_ahead(context_.get(), 1);
        method_.reset(connection::make_method());
    }
    ~crowd() { ::close(epoll_); }
    crowd(const crowd&) = delete;
    crowd& operator=(const crowd&) = delete;

    [[nodiscard]] counts run(long requests)
    {
        counts_ = {};
        long begun = 0;
        for (; begun != std::min(requests, what_.concurrency); ++begun)
        {
            if (static_cast<std::size_t>(begun) == connections_.size())
                connect();
            connections_[static_cast<std::size_t>(begun)]->ask(request_);
        }
        std::array<epoll_event, 256> events;
        while (counts_.requests != static_cast<std::uint64_t>(requests))
        {
            const int n = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
            for (int i = 0; i < n; ++i)
            {
                auto& from =
                    *static_cast<connection*>(events[static_cast<std::size_t>(i)].data.ptr);
                if (from.take() && begun != requests)
                {
                    ++begun;
                    from.ask(request_);
                }
            }
        }
        return counts_;
    }

private:
    void connect()
    {
        connections_.push_back(std::make_unique<connection>(what_, *peer_, context_.get(),
                                                            method_.get(), *received_, counts_));
        epoll_event event{};
        event.events = EPOLLIN | EPOLLET;
        event.data.ptr = connections_.back().get();
        checked(::epoll_ctl(epoll_, EPOLL_CTL_ADD, connections_.back()->descriptor(), &event),
                "epoll_ctl");
    }

    const job& what_;
    const std::string request_;
    const int epoll_;
    counts counts_;
    owned<addrinfo> peer_;
    owned<SSL_CTX> context_;
    owned<BIO_METHOD> method_;
    std::unique_ptr<received> received_ = std::make_unique<received>();
    std::vector<std::unique_ptr<connection>> connections_;
};

}  // namespace

}  // namespace regolo::bench

int main(int argc, char** argv)
try
{
    using namespace regolo::bench;
    const auto what = parse_job(argc, argv);
    crowd all(what);
    static_cast<void>(all.run(what.concurrency));
    const meter time;
    time.report(all.run(what.requests));
    return EXIT_SUCCESS;
}
catch (const std::exception& error)
{
    std::cerr << "error: " << error.what() << '\n';
    return EXIT_FAILURE;
}
