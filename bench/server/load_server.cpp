// Serves the workloads of the benchmarks: one thread of epoll, and OpenSSL where there is TLS. It does as little as it can, so
// that the clients are what is measured; it tells what it has done when it ends, and on SIGUSR1.
//
//   regolo_load_server [--plain] [--port N] [--tickets] --port-file FILE

#include "server/workloads.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <netinet/tcp.h>
#include <optional>
#include <random>
#include <signal.h>
#include <stdexcept>
#include <string>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <system_error>
#include <unistd.h>
#include <unordered_map>
#include <utility>
#include <vector>

namespace regolo::bench {

namespace {

using steady = std::chrono::steady_clock;

[[noreturn]] void fail(const char* what)
{
    throw std::system_error(errno, std::generic_category(), what);
}

int checked(int result, const char* what)
{
    if (result < 0)
        fail(what);
    return result;
}

struct settings
{
    bool plain = false;
    bool tickets = false;
    std::uint16_t port = 0;
    std::string port_file;
};

settings parse(int argc, char** argv)
{
    settings parsed;
    for (int i = 1; i != argc; ++i)
    {
        const std::string_view option = argv[i];
        const bool has_value = i + 1 != argc;
        if (option == "--plain")
            parsed.plain = true;
        else if (option == "--tickets")
            parsed.tickets = true;
        else if (option == "--port" && has_value)
            parsed.port = static_cast<std::uint16_t>(std::atoi(argv[++i]));
        else if (option == "--port-file" && has_value)
            parsed.port_file = argv[++i];
        else
            throw std::invalid_argument(
                "usage: regolo_load_server [--plain] [--port N] [--tickets] --port-file FILE");
    }
    return parsed;
}

struct deleter
{
    void operator()(SSL_CTX* p) const noexcept { SSL_CTX_free(p); }
    void operator()(SSL* p) const noexcept { SSL_free(p); }
    void operator()(X509* p) const noexcept { X509_free(p); }
    void operator()(EVP_PKEY* p) const noexcept { EVP_PKEY_free(p); }
    void operator()(X509_EXTENSION* p) const noexcept { X509_EXTENSION_free(p); }
};
template <class T>
using owned = std::unique_ptr<T, deleter>;

/// A throw-away certificate for localhost. Clients do not verify it: what that costs is a matter of handshakes, in which all of
/// them are alike.
void certify(SSL_CTX* context)
{
    const owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
    const owned<X509> certificate(X509_new());
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 86400);
    X509_NAME* const name = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), name);
    X509_set_pubkey(certificate.get(), key.get());
    const owned<X509_EXTENSION> names(
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1"));
    X509_add_ext(certificate.get(), names.get(), -1);
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    if (SSL_CTX_use_certificate(context, certificate.get()) != 1 ||
        SSL_CTX_use_PrivateKey(context, key.get()) != 1)
        throw std::runtime_error("no certificate");
}

owned<SSL_CTX> make_context(bool tickets)
{
    owned<SSL_CTX> context(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
    SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                        SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_num_tickets(context.get(), tickets ? 2 : 0);
    certify(context.get());
    return context;
}

class server
{
public:
    explicit server(const settings& how)
        : workloads_(make_workloads()),
          context_(how.plain ? nullptr : make_context(how.tickets).release())
    {
        epoll_ = checked(::epoll_create1(EPOLL_CLOEXEC), "epoll");
        listen(how);
        timer_ = checked(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), "timerfd");
        watch(timer_);
        sigset_t ends;
        sigemptyset(&ends);
        sigaddset(&ends, SIGTERM);
        sigaddset(&ends, SIGINT);
        sigaddset(&ends, SIGUSR1);
        ::sigprocmask(SIG_BLOCK, &ends, nullptr);
        signals_ = checked(::signalfd(-1, &ends, SFD_CLOEXEC), "signalfd");
        watch(signals_);
        ::signal(SIGPIPE, SIG_IGN);
    }

    void run()
    {
        std::array<epoll_event, 256> events{};
        for (;;)
        {
            const int n = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
            for (int i = 0; i < n; ++i)
            {
                const int fd = events[static_cast<std::size_t>(i)].data.fd;
                if (fd == signals_)
                {
                    if (!goes_on())
                        return;
                    continue;
                }
                if (fd == acceptor_)
                    accept();
                else if (fd == timer_)
                    tick();
                else if (const auto found = connections_.find(fd); found != connections_.end())
                    serve(*found->second);
            }
        }
    }

    void report() const
    {
        rusage used{};
        ::getrusage(RUSAGE_SELF, &used);
        const auto seconds = [](const timeval& t) {
            return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
        };
        std::cout << "{\"requests\":" << requests_ << ",\"connections\":" << accepted_
                  << ",\"resumed\":" << resumed_ << ",\"user\":" << seconds(used.ru_utime)
                  << ",\"system\":" << seconds(used.ru_stime) << "}" << std::endl;
    }

private:
    /// After a signal: SIGUSR1 asks for the report.
    [[nodiscard]] bool goes_on() const
    {
        signalfd_siginfo which{};
        if (::read(signals_, &which, sizeof which) != sizeof which || which.ssi_signo != SIGUSR1)
            return false;
        report();
        return true;
    }

    struct connection
    {
        int fd = -1;
        std::uint64_t id = 0;
        owned<SSL> ssl;
        bool established = false;
        std::string received;
        const workload* answer = nullptr;
        std::size_t piece = 0;   // of the answer; 0 may be the head
        std::size_t offset = 0;  // within the piece
        bool waits = false;      // for its time
        bool in_head = false;
        steady::time_point due;  // of its next piece; none before the first that waits
        std::string stamped;     // the piece with its time in it, where the answer has that

        ~connection() { ::close(fd); }
    };

    /// A connection that waits until its next piece is due.
    struct waiting
    {
        int fd;
        std::uint64_t id;  // of the connection, which may be gone and its descriptor another's
    };

    void watch(int fd, std::uint32_t what = EPOLLIN)
    {
        epoll_event event{};
        event.events = what;
        event.data.fd = fd;
        checked(::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
    }

    void listen(const settings& how)
    {
        acceptor_ =
            checked(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
        const int on = 1;
        ::setsockopt(acceptor_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        sockaddr_in where{};
        where.sin_family = AF_INET;
        where.sin_port = htons(how.port);
        where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        checked(::bind(acceptor_, reinterpret_cast<const sockaddr*>(&where), sizeof where), "bind");
        checked(::listen(acceptor_, 4096), "listen");
        socklen_t size = sizeof where;
        ::getsockname(acceptor_, reinterpret_cast<sockaddr*>(&where), &size);
        watch(acceptor_);
        if (!how.port_file.empty())
        {
            std::ofstream(how.port_file + ".new") << ntohs(where.sin_port) << '\n';
            std::rename((how.port_file + ".new").c_str(), how.port_file.c_str());
        }
    }

    void accept()
    {
        for (;;)
        {
            const int fd = ::accept4(acceptor_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0)
                return;
            ++accepted_;
            const int on = 1;
            ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            auto next = std::make_unique<connection>();
            next->fd = fd;
            next->id = accepted_;
            if (context_)
            {
                next->ssl.reset(SSL_new(context_.get()));
                SSL_set_fd(next->ssl.get(), fd);
                SSL_set_accept_state(next->ssl.get());
            }
            watch(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
            connections_.emplace(fd, std::move(next));
        }
    }

    void serve(connection& with)
    {
        if (!read(with) || !write(with))
            connections_.erase(with.fd);
    }

    /// @returns false when the connection is of no more use
    bool read(connection& with)
    {
        for (;;)
        {
            std::array<char, 16384> buffer;
            const auto n = with.ssl
                               ? SSL_read(with.ssl.get(), buffer.data(), buffer.size())
                               : static_cast<int>(::recv(with.fd, buffer.data(), buffer.size(), 0));
            if (n <= 0)
            {
                if (!may_go_on(with, n))
                    return false;
                note_handshake(with);
                return true;
            }
            with.received.append(buffer.data(), static_cast<std::size_t>(n));
            if (!take_request(with))
                return false;
        }
    }

    void note_handshake(connection& with)
    {
        if (!with.ssl || with.established || SSL_is_init_finished(with.ssl.get()) != 1)
            return;
        with.established = true;
        resumed_ += SSL_session_reused(with.ssl.get()) == 1 ? 1 : 0;
    }

    static bool may_go_on(const connection& with, int n)
    {
        if (!with.ssl)
            return n < 0 && errno == EAGAIN;
        const int why = SSL_get_error(with.ssl.get(), n);
        ERR_clear_error();
        return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
    }

    /// Starts the answer when the request is complete.
    bool take_request(connection& with)
    {
        const auto& bytes = with.received;
        const auto end = bytes.find("\r\n\r\n");
        if (end == std::string::npos)
            return true;
        const auto body = body_size(std::string_view(bytes).substr(0, end + 2));
        if (!body)
            return false;
        const auto size = end + 4 + *body;
        if (bytes.size() < size)
            return true;
        const auto path = std::string_view(bytes).substr(bytes.find(' ') + 1);
        with.answer = find(path);
        if (with.answer == nullptr)
            return false;
        ++requests_;
        with.received.erase(0, size);
        with.piece = with.offset = 0;
        with.in_head = !with.answer->head.empty();
        with.due = {};
        with.stamped.clear();
        return true;
    }

    static std::optional<std::size_t> body_size(std::string_view head)
    {
        static constexpr std::string_view name = "content-length:";
        const auto same = [](char a, char b) {
            return std::tolower(static_cast<unsigned char>(a)) == b;
        };
        const auto found = std::search(head.begin(), head.end(), name.begin(), name.end(), same);
        if (found == head.end())
            return 0;  // no client here sends chunks
        auto text = head.substr(static_cast<std::size_t>(found - head.begin()) + name.size());
        text.remove_prefix(std::min(text.size(), text.find_first_not_of(' ')));
        std::size_t size = 0;
        if (std::from_chars(text.data(), text.data() + text.size(), size).ec != std::errc())
            return std::nullopt;
        return size;
    }

    const workload* find(std::string_view path) const
    {
        for (const auto& each : workloads_)
        {
            if (path.size() > each.name.size() + 1 && path.substr(1).starts_with(each.name) &&
                path[each.name.size() + 1] == '/')
                return &each;
        }
        return nullptr;
    }

    bool write(connection& with)
    {
        while (with.answer != nullptr && !with.waits)
        {
            const auto& answer = *with.answer;
            const auto& bytes = with.in_head            ? answer.head
                                : !with.stamped.empty() ? with.stamped
                                                        : answer.pieces[with.piece];
            const auto left = std::string_view(bytes).substr(with.offset);
            const auto n =
                with.ssl
                    ? SSL_write(with.ssl.get(), left.data(), static_cast<int>(left.size()))
                    : static_cast<int>(::send(with.fd, left.data(), left.size(), MSG_NOSIGNAL));
            if (n <= 0)
                return may_go_on(with, n);
            with.offset += static_cast<std::size_t>(n);
            if (with.offset == bytes.size())
                next_piece(with);
        }
        return true;
    }

    void next_piece(connection& with)
    {
        const auto& answer = *with.answer;
        with.offset = 0;
        if (with.in_head)
        {
            with.in_head = false;
            return;
        }
        if (++with.piece == answer.pieces.size())
        {
            if (!answer.endless)
            {
                end_answer(with);
                return;
            }
            --with.piece;
        }
        if (answer.stamp != std::string::npos)
            with.stamped = answer.pieces[with.piece];
        if (answer.interval.count() == 0)
            return;
        with.waits = true;
        if (answer.interval == forever)
            return;
        // Each stream keeps its own beat, at a moment that does not depend on how fast its client opens streams: clients
        // that open them faster would otherwise get their chunks in bursts.
        if (with.due == steady::time_point())
            with.due = steady::now() + std::chrono::duration_cast<steady::duration>(
                                           answer.interval * phases_(randomness_));
        else
            with.due += answer.interval;
        const auto place = waiting_.insert({with.due, {with.fd, with.id}});
        if (place == waiting_.begin())
            sleep_until(with.due);
    }

    static void end_answer(connection& with)
    {
        if (with.answer->closes)
        {
            if (with.ssl)
                SSL_shutdown(with.ssl.get());
            // and wait for the client's end: to close with bytes unread would be a reset, which may destroy the answer
            ::shutdown(with.fd, SHUT_WR);
        }
        with.answer = nullptr;
    }

    static void stamp(std::string& piece, std::size_t at)
    {
        timespec now{};
        ::clock_gettime(CLOCK_MONOTONIC, &now);
        auto left = static_cast<std::uint64_t>(now.tv_sec) * 1000000000 +
                    static_cast<std::uint64_t>(now.tv_nsec);
        for (auto digit = stamp_size; digit != 0; left /= 10)
            piece[at + --digit] = static_cast<char>('0' + left % 10);
    }

    void sleep_until(steady::time_point when) const
    {
        const auto left =
            std::max<std::chrono::nanoseconds>(when - steady::now(), std::chrono::nanoseconds(1));
        itimerspec wait{};
        wait.it_value.tv_sec = left.count() / 1000000000;
        wait.it_value.tv_nsec = left.count() % 1000000000;
        ::timerfd_settime(timer_, 0, &wait, nullptr);
    }

    void tick()
    {
        std::uint64_t ignored = 0;
        static_cast<void>(::read(timer_, &ignored, sizeof ignored));
        while (!waiting_.empty() && waiting_.begin()->first <= steady::now())
        {
            const auto [fd, id] = waiting_.begin()->second;
            waiting_.erase(waiting_.begin());
            const auto found = connections_.find(fd);
            if (found == connections_.end() || found->second->id != id)
                continue;
            auto& with = *found->second;
            with.waits = false;
            if (!with.stamped.empty())
                stamp(with.stamped, with.answer->stamp);
            if (!write(with))
                connections_.erase(found);
        }
        if (!waiting_.empty())
            sleep_until(waiting_.begin()->first);
    }

    const std::vector<workload> workloads_;
    const owned<SSL_CTX> context_;
    int epoll_ = -1;
    int acceptor_ = -1;
    int timer_ = -1;
    int signals_ = -1;
    std::unordered_map<int, std::unique_ptr<connection>> connections_;
    std::multimap<steady::time_point, waiting> waiting_;
    std::minstd_rand randomness_;  // the same in each run
    std::uniform_real_distribution<double> phases_;
    std::uint64_t requests_ = 0;
    std::uint64_t accepted_ = 0;
    std::uint64_t resumed_ = 0;
};

}  // namespace

}  // namespace regolo::bench

int main(int argc, char** argv)
try
{
    const auto how = regolo::bench::parse(argc, argv);
    regolo::bench::server server(how);
    server.run();
    server.report();
    return EXIT_SUCCESS;
}
catch (const std::exception& error)
{
    std::cerr << "error: " << error.what() << '\n';
    return EXIT_FAILURE;
}
