#include "support/blocking_client.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <utility>

namespace regolo::test {

namespace {

std::shared_ptr<BIO> memory_bio(const std::string& pem)
{
    return {BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free_all};
}

std::shared_ptr<X509> read_certificate(const std::string& pem)
{
    return {PEM_read_bio_X509(memory_bio(pem).get(), nullptr, nullptr, nullptr), X509_free};
}

std::string last_tls_error(SSL* ssl)
{
    if (const long verdict = SSL_get_verify_result(ssl); verdict != X509_V_OK)
        return X509_verify_cert_error_string(verdict);
    char text[256];
    ERR_error_string_n(ERR_get_error(), text, sizeof text);
    return text;
}

template <class Address>
int connect_to(int family, const Address& address)
{
    const int socket = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval limit{10, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    const int one = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    {
        ::close(socket);
        throw std::runtime_error("cannot connect to the test server");
    }
    return socket;
}

}  // namespace

blocking_client::blocking_client(std::uint16_t port, bool ipv6)
{
    if (ipv6)
    {
        sockaddr_in6 address{};
        address.sin6_family = AF_INET6;
        address.sin6_port = htons(port);
        address.sin6_addr = in6addr_loopback;
        socket_ = connect_to(AF_INET6, address);
        return;
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socket_ = connect_to(AF_INET, address);
}

blocking_client::~blocking_client() { close(); }

bool blocking_client::start_tls(const tls_options& options)
{
    context_.reset(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    const auto ca = read_certificate(options.ca_pem);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context_.get()), ca.get());
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    if (!options.client_certificate_pem.empty())
    {
        const std::shared_ptr<EVP_PKEY> key(
            PEM_read_bio_PrivateKey(memory_bio(options.client_key_pem).get(), nullptr, nullptr,
                                    nullptr),
            EVP_PKEY_free);
        SSL_CTX_use_certificate(context_.get(),
                                read_certificate(options.client_certificate_pem).get());
        SSL_CTX_use_PrivateKey(context_.get(), key.get());
    }
    ssl_.reset(SSL_new(context_.get()), SSL_free);
    SSL_set_bio(ssl_.get(), BIO_new_socket(socket_, BIO_NOCLOSE), nullptr);
    SSL_set0_wbio(ssl_.get(), BIO_new_socket(socket_, BIO_NOCLOSE));
    static constexpr unsigned char http_1_1[] = "\x08http/1.1";
    SSL_set_alpn_protos(ssl_.get(), http_1_1, sizeof http_1_1 - 1);
    SSL_set_tlsext_host_name(ssl_.get(), options.host.c_str());
    SSL_set1_host(ssl_.get(), options.host.c_str());
    if (options.session)
        SSL_set_session(ssl_.get(), options.session.get());
    ERR_clear_error();
    const int result = SSL_connect(ssl_.get());
    if (result == 1)
        return true;
    note_end(SSL_get_error(ssl_.get(), result));
    error_ = last_tls_error(ssl_.get());
    return false;
}

void blocking_client::send(std::string_view bytes)
{
    while (!bytes.empty())
    {
        const auto sent =
            ssl_ ? SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
                 : static_cast<int>(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
        if (sent <= 0)
            return;  // the following read tells how the connection ended
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

std::string blocking_client::read_to(std::string_view end)
{
    std::size_t from = 0;
    for (;;)
    {
        const auto found = buffer_.find(end, from);
        if (found != std::string::npos)
        {
            auto result = buffer_.substr(0, found + end.size());
            buffer_.erase(0, found + end.size());
            return result;
        }
        from = buffer_.size() < end.size() ? 0 : buffer_.size() - end.size() + 1;
        if (!fill())
            return std::exchange(buffer_, {});
    }
}

std::string blocking_client::read_answer()
{
    auto answer = read_to("\r\n\r\n");
    if (answer.find("transfer-encoding: chunked") != std::string::npos)
        return answer + read_to("0\r\n\r\n");
    const auto length = answer.find("content-length: ");
    if (length == std::string::npos)
        return answer + read_all();
    const auto size = std::stoul(answer.substr(length + 16));
    while (buffer_.size() < size && fill())
    {}
    answer.append(buffer_, 0, size);
    buffer_.erase(0, size);
    return answer;
}

std::string blocking_client::read_all()
{
    while (fill())
    {}
    return std::exchange(buffer_, {});
}

std::string blocking_client::read_some()
{
    if (buffer_.empty())
        fill();
    return std::exchange(buffer_, {});
}

void blocking_client::close()
{
    if (socket_ != -1)
        ::close(std::exchange(socket_, -1));
}

void blocking_client::reset()
{
    const linger at_once{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
}

bool blocking_client::is_resumed() const noexcept { return SSL_session_reused(ssl_.get()) == 1; }

std::string blocking_client::tls_version() const { return SSL_get_version(ssl_.get()); }

std::string blocking_client::alpn() const
{
    const unsigned char* data = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &data, &size);
    return {reinterpret_cast<const char*>(data), size};
}

std::shared_ptr<ssl_session_st> blocking_client::session() const
{
    // Otherwise OpenSSL takes the session for broken when this connection goes.
    SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    return {SSL_get1_session(ssl_.get()), SSL_SESSION_free};
}

bool blocking_client::fill()
{
    if (ending_ != ending::none)
        return false;
    char bytes[16 * 1024];
    ERR_clear_error();
    errno = 0;
    const auto size = ssl_ ? SSL_read(ssl_.get(), bytes, sizeof bytes)
                           : static_cast<int>(::recv(socket_, bytes, sizeof bytes, 0));
    if (size > 0)
    {
        buffer_.append(bytes, static_cast<std::size_t>(size));
        return true;
    }
    note_end(ssl_        ? SSL_get_error(ssl_.get(), size)
             : size == 0 ? SSL_ERROR_ZERO_RETURN
                         : SSL_ERROR_SYSCALL);
    return false;
}

void blocking_client::note_end(int error)
{
    if (error == SSL_ERROR_ZERO_RETURN)
        ending_ = ending::orderly;
    else if (error == SSL_ERROR_SSL)
        ending_ = ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING
                      ? ending::truncated
                      : ending::tls_failure;
    else if (errno == EAGAIN || errno == EWOULDBLOCK || error == SSL_ERROR_WANT_READ)
        ending_ = ending::timed_out;
    else
        ending_ = errno == ECONNRESET || errno == EPIPE ? ending::reset : ending::truncated;
}

}  // namespace regolo::test
