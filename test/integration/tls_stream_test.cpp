/* TLS below HTTP, in both of its ways, against a server whose records are made by hand: what clients seldom meet and OpenSSL leaves
   to who moves its bytes. Client and server take turns in one thread. */

#include "net/tls_stream.hpp"

#include "core/fast_paths.hpp"
#include "net/openssl_ptr.hpp"
#include "net/tls_settings.hpp"
#include "testing/certificates.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace regolo::test {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;

template <class T, void (*Free)(T*)>
using owned = std::unique_ptr<T, net::openssl_free<Free>>;

/// The server's side of a connection. Nothing of it waits.
class server_side
{
public:
    server_side(tcp::socket socket, int version) : socket_(std::move(socket))
    {
        const testing::certificate_authority authority;
        const auto mine = authority.issue_server(testing::leaf::good);
        const owned<BIO, BIO_free_all> certificate(BIO_new_mem_buf(mine.pem.data(), -1));
        const owned<BIO, BIO_free_all> key(BIO_new_mem_buf(mine.key_pem.data(), -1));
        const owned<X509, X509_free> read(
            PEM_read_bio_X509(certificate.get(), nullptr, nullptr, nullptr));
        const owned<EVP_PKEY, EVP_PKEY_free> read_key(
            PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, nullptr));
        SSL_CTX_use_certificate(context_.get(), read.get());
        SSL_CTX_use_PrivateKey(context_.get(), read_key.get());
        SSL_CTX_set_max_proto_version(context_.get(), version);
        ssl_.reset(SSL_new(context_.get()));
        SSL_set_bio(ssl_.get(), in_, out_);
        SSL_set_accept_state(ssl_.get());
        socket_.non_blocking(true);
    }

    [[nodiscard]] SSL* native() const { return ssl_.get(); }

    void write(const std::string& text)
    {
        EXPECT_GT(SSL_write(native(), text.data(), static_cast<int>(text.size())), 0);
    }
    /// Sends what OpenSSL has written, in one piece with what is to be behind it.
    void flush(const std::string& behind = {})
    {
        std::string bytes(BIO_ctrl_pending(out_), '\0');
        if (bytes.empty())
            return;
        BIO_read(out_, bytes.data(), static_cast<int>(bytes.size()));
        bytes += behind;
        asio::write(socket_, asio::buffer(bytes));
    }
    /// Takes what has arrived, and what of it is text.
    std::string read()
    {
        std::array<char, 16384> buffer{};
        error_code ec;
        for (;;)
        {
            const auto size = socket_.read_some(asio::buffer(buffer), ec);
            if (ec)
                break;
            BIO_write(in_, buffer.data(), static_cast<int>(size));
        }
        std::string text;
        for (int size = 0;
             (size = SSL_read(native(), buffer.data(), static_cast<int>(buffer.size()))) > 0;)
            text.append(buffer.data(), static_cast<std::size_t>(size));
        return text;
    }

private:
    tcp::socket socket_;
    owned<SSL_CTX, SSL_CTX_free> context_{SSL_CTX_new(TLS_server_method())};
    owned<SSL, SSL_free> ssl_;
    BIO* in_ = BIO_new(BIO_s_mem());
    BIO* out_ = BIO_new(BIO_s_mem());
};

class TlsStream : public ::testing::TestWithParam<bool>
{
protected:
    void connect(int version)
    {
        open(version);
        read();
    }

    void open(int version)
    {
        tcp::acceptor acceptor(io_);
        acceptor.open(tcp::v4());
        acceptor.set_option(asio::socket_base::receive_buffer_size(4096));
        acceptor.bind({asio::ip::address_v4::loopback(), 0});
        acceptor.listen();
        tcp::socket socket(io_);
        socket.open(tcp::v4());
        socket.set_option(asio::socket_base::send_buffer_size(8192));
        socket.connect(acceptor.local_endpoint());
        server_ = std::make_unique<server_side>(acceptor.accept(), version);

        auto settings = std::make_shared<net::tls_settings>();
        settings->verifies = false;
        auto data = std::make_unique<net::connection_data>();
        data->settings = std::move(settings);
        data->sessions = std::make_shared<net::session_cache>();
        const bool before = core::fast_paths.exchange(GetParam());
        client_ = net::make_tls_stream(std::move(socket), std::move(data));
        core::fast_paths = before;

        bool is_done = false;
        client_->async_handshake(asio::bind_executor(io_, [&](error_code ec) {
            EXPECT_FALSE(ec) << ec.message();
            is_done = true;
        }));
        run_until([&] { return is_done && SSL_is_init_finished(server_->native()) == 1; });
    }

    /// Without end, or once.
    void read(bool reads_on = true)
    {
        client_->async_read_some(
            asio::buffer(room_),
            asio::bind_executor(io_, [this, reads_on](error_code ec, std::size_t size) {
                got_.append(room_.data(), size);
                failure_ = ec;
                if (!ec && reads_on)
                    read();
            }));
    }

    /// What the client sees behind an answer that came in one piece with that.
    net::byte_stream::silence silence_behind(const std::function<std::string(SSL*)>& write_more)
    {
        open(TLS1_3_VERSION);
        got_.clear();
        server_->write("A");
        server_->flush(write_more(server_->native()));
        read(false);
        run_until([&] { return got_ == "A"; });
        return client_->peek();
    }

    void write(const std::string& text)
    {
        client_->async_write_some(
            asio::buffer(text) + sent_,
            asio::bind_executor(io_, [this, &text](error_code ec, std::size_t size) {
                sent_ += size;
                failure_ = ec;
                if (!ec && sent_ != text.size())
                    write(text);
            }));
    }

    /// Lets both sides go on until that is so, or something has failed.
    void run_until(const std::function<bool()>& is_so)
    {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!is_so() && !failure_)
        {
            ASSERT_LT(std::chrono::steady_clock::now(), end);
            received_ += server_->read();
            server_->flush();
            io_.restart();
            io_.poll();
        }
        EXPECT_FALSE(failure_) << failure_.message();
    }

    /// The server asks for it before it sends text, which is not lost.
    void expect_another_handshake(int requests)
    {
        connect(TLS1_2_VERSION);
        for (int i = 0; i != requests; ++i)
        {
            SSL_renegotiate(server_->native());
            SSL_do_handshake(server_->native());
        }
        server_->write("A");
        server_->flush();
        run_until([&] {
            return SSL_renegotiate_pending(server_->native()) == 0 &&
                   SSL_is_init_finished(server_->native()) == 1;
        });
        EXPECT_EQ(got_, "A");
        server_->write("B");
        run_until([&] { return got_ == "AB"; });
    }

    void TearDown() override
    {
        client_->close();
        io_.restart();
        io_.run();
    }

    asio::io_context io_;
    std::unique_ptr<server_side> server_;
    std::unique_ptr<net::tls_stream> client_;
    std::array<char, 1024> room_{};
    std::string got_;       // by the client
    std::string received_;  // by the server
    std::size_t sent_ = 0;  // by the client
    error_code failure_;
};

// OpenSSL begins it with the next call that finds nothing to read.
TEST_P(TlsStream, GoesOnWithAHandshakeThatWasPutOff) { expect_another_handshake(1); }

// OpenSSL takes the second request for the handshake that it has put off at the first one, and then no text that comes meanwhile.
TEST_P(TlsStream, GoesOnWhereAHandshakeIsAskedForTwice) { expect_another_handshake(2); }

// To read is to write then: the server wants to know that its keys are used.
TEST_P(TlsStream, ChangesKeysWhileAWriteWaits)
{
    connect(TLS1_3_VERSION);
    const std::string text(std::size_t{1} << 20, 'x');
    write(text);
    do
        io_.restart();
    while (io_.poll() != 0);
    ASSERT_LT(sent_, text.size());
    for (const auto* expected : {"A", "AA", "AAA"})
    {
        SSL_key_update(server_->native(), SSL_KEY_UPDATE_REQUESTED);
        server_->write("A");
        server_->flush();
        while (got_ != expected && !failure_)
        {
            io_.restart();
            ASSERT_NE(io_.run_one_for(std::chrono::seconds(20)), 0U);
        }
    }
    run_until([&] { return received_.size() == text.size(); });
    EXPECT_EQ(received_, text);
    EXPECT_EQ(sent_, text.size());
    server_->write("B");
    run_until([&] { return got_ == "AAAB"; });
}

TEST_P(TlsStream, GoesOnWithWhatCouldNotBeWrittenAtOnce)
{
    connect(TLS1_3_VERSION);
    std::string text;
    for (int i = 0; text.size() < std::size_t{1} << 20; ++i)
        text += std::to_string(i) + ' ';
    error_code ec;
    while (!ec && sent_ != text.size())
        sent_ += client_->try_write(asio::buffer(text) + sent_, ec);
    EXPECT_EQ(ec, asio::error::would_block);
    EXPECT_EQ(sent_ != 0, GetParam());
    ASSERT_LT(sent_, text.size());
    write(text);
    run_until([&] { return received_.size() == text.size(); });
    EXPECT_EQ(received_, text);
    server_->write("A");
    run_until([&] { return got_ == "A"; });
}

// The end of a record that the socket does not take is kept until then.
TEST_P(TlsStream, SendsWithAnEmptyWriteWhatItHasTaken)
{
    connect(TLS1_3_VERSION);
    const std::string piece(1000, 'x');
    error_code ec;
    std::size_t taken = 0;
    std::string text;
    while (!ec)
    {
        taken = client_->try_write(asio::buffer(piece), ec);
        text.append(taken, 'x');
    }
    EXPECT_EQ(ec, asio::error::would_block);
    EXPECT_EQ(taken, GetParam() ? piece.size() : 0);
    if (taken == 0)
        text = piece;
    else
        sent_ = text.size();
    write(text);
    run_until([&] { return received_.size() == text.size(); });
    EXPECT_EQ(received_, text);
    EXPECT_EQ(sent_, text.size());
}

TEST_P(TlsStream, TellsWhenWritingAtOnceThatItIsClosed)
{
    connect(TLS1_3_VERSION);
    client_->close();
    error_code ec;
    EXPECT_EQ(client_->try_write(asio::buffer("x", 1), ec), 0U);
    EXPECT_TRUE(ec);
}

TEST_P(TlsStream, IsQuietWhereNothingIsLeft)
{
    using net::byte_stream;
    const auto nothing = [](SSL*) { return std::string(); };
    EXPECT_EQ(silence_behind(nothing), byte_stream::silence::quiet);
    const auto ticket = [](SSL* server) {
        EXPECT_EQ(SSL_new_session_ticket(server), 1);
        EXPECT_EQ(SSL_do_handshake(server), 1);
        return std::string();
    };
    EXPECT_EQ(silence_behind(ticket), byte_stream::silence::quiet);
    const auto goodbye = [](SSL* server) {
        EXPECT_EQ(SSL_shutdown(server), 0);
        return std::string();
    };
    EXPECT_EQ(silence_behind(goodbye), byte_stream::silence::closed);
    const auto header = [](SSL*) { return std::string("\x17\x03\x03\x00\x20", 5); };
    EXPECT_EQ(silence_behind(header), byte_stream::silence::data);
    const auto no_record = [&](SSL* server) { return header(server) + std::string(32, 'x'); };
    EXPECT_EQ(silence_behind(no_record), byte_stream::silence::data);
}

INSTANTIATE_TEST_SUITE_P(Ways, TlsStream, ::testing::Bool(),
                         [](const auto& way) { return way.param ? "Direct" : "Asio"; });

}  // namespace
}  // namespace regolo::test
