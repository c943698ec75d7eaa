#pragma once

#include "clients/floor.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <fcntl.h>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

/** @file
    Many connections at a time as cheaply as it goes: one thread of epoll, and OpenSSL where there is TLS.

    What makes it cheap: one receive buffer for all connections, which stays in the cache and takes as much as the kernel has;
    OpenSSL is fed from it. Edge-triggered: a receive that leaves room in the buffer has taken everything, so that none is made
    in vain, and the kernel does not look again at connections that had their turn. */

namespace regolo::bench {

inline int checked(int result, const char* what)
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

/// `Reader::push(bytes)` takes what comes and returns whether that completes an answer.
template <class Reader>
class epoll_connection
{
public:
    /// `arguments` are those of the reader. @param secure  null for plain HTTP
    template <class... Arguments>
    epoll_connection(const addrinfo& peer, const tls* secure, BIO_METHOD* method, received& shared,
                     Arguments&&... arguments)
        : fd_(checked(::socket(peer.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")),
          reader_(std::forward<Arguments>(arguments)...),
          shared_(shared)
    {
        send_at_once(fd_);
        checked(::connect(fd_, peer.ai_addr, peer.ai_addrlen), "connect");
        checked(::fcntl(fd_, F_SETFL, O_NONBLOCK), "fcntl");
        if (secure == nullptr)
            return;
        BIO* const bio = BIO_new(method);
        BIO_set_data(bio, this);
        BIO_set_init(bio, 1);
        ssl_ = secure->make();
        SSL_set_bio(ssl_.get(), bio, bio);
        SSL_set_connect_state(ssl_.get());
    }
    ~epoll_connection() { ::close(fd_); }
    epoll_connection(const epoll_connection&) = delete;
    epoll_connection& operator=(const epoll_connection&) = delete;

    [[nodiscard]] int descriptor() const noexcept { return fd_; }

    /// Sends it at once, or with the end of the handshake, until when it must live. Requests are small: there is always room
    /// for one.
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
                done = reader_.push(std::exchange(shared_.unread, {})) || done;
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
            auto& unread = static_cast<epoll_connection*>(BIO_get_data(bio))->shared_.unread;
            BIO_clear_retry_flags(bio);
            *got = unread.copy(to, size);
            unread.remove_prefix(*got);
            if (*got == 0)
                BIO_set_retry_read(bio);
            return *got == 0 ? 0 : 1;
        });
        BIO_meth_set_write_ex(
            method, [](BIO* bio, const char* bytes, std::size_t size, std::size_t* sent) {
                const auto n = static_cast<epoll_connection*>(BIO_get_data(bio))->send(bytes, size);
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
            done = reader_.push({plain.data(), static_cast<std::size_t>(n)}) || done;
        }
        return done;
    }

    int fd_;
    owned<SSL> ssl_;
    std::string_view request_;  // waits for the handshake
    Reader reader_;
    received& shared_;
};

template <class Reader>
class epoll_connections
{
public:
    using connection = epoll_connection<Reader>;

    /// @param mode  of OpenSSL's, or none
    explicit epoll_connections(const target& to, long mode = 0)
        : epoll_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll")), peer_(resolve(to))
    {
        if (!to.tls)
            return;
        secure_ = std::make_unique<tls>(mode);
        method_.reset(connection::make_method());
    }
    ~epoll_connections() { ::close(epoll_); }
    epoll_connections(const epoll_connections&) = delete;
    epoll_connections& operator=(const epoll_connections&) = delete;

    /// `arguments` are those of the reader.
    template <class... Arguments>
    connection& open(Arguments&&... arguments)
    {
        opened_.push_back(std::make_unique<connection>(*peer_, secure_.get(), method_.get(),
                                                       *received_,
                                                       std::forward<Arguments>(arguments)...));
        epoll_event event{};
        event.events = EPOLLIN | EPOLLET;
        event.data.ptr = opened_.back().get();
        checked(::epoll_ctl(epoll_, EPOLL_CTL_ADD, opened_.back()->descriptor(), &event),
                "epoll_ctl");
        return *opened_.back();
    }

    [[nodiscard]] std::size_t size() const noexcept { return opened_.size(); }

    connection& operator[](std::size_t at) const noexcept { return *opened_[at]; }

    /// Waits until something has come, takes it, and calls `on_done` with each connection whose answer is complete.
    template <class F>
    void wait(F&& on_done)
    {
        std::array<epoll_event, 256> events;
        const int n = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < n; ++i)
        {
            auto& from = *static_cast<connection*>(events[static_cast<std::size_t>(i)].data.ptr);
            if (from.take())
                on_done(from);
        }
    }

private:
    const int epoll_;
    const owned<addrinfo> peer_;
    std::unique_ptr<tls> secure_;
    owned<BIO_METHOD> method_;
    std::unique_ptr<received> received_ = std::make_unique<received>();
    std::vector<std::unique_ptr<connection>> opened_;
};

}  // namespace regolo::bench
