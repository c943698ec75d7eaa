#include "net/tcp_stream.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

namespace regolo::test {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;

class TcpStream : public ::testing::Test
{
protected:
    void SetUp() override
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
        peer_ = acceptor.accept();
        stream_ = std::make_unique<net::tcp_stream>(std::move(socket));
    }

    asio::io_context io_;
    tcp::socket peer_{io_};
    std::unique_ptr<net::tcp_stream> stream_;
    error_code ec_;
};

TEST_F(TcpStream, WritesAtOnceWhatFits)
{
    EXPECT_EQ(stream_->try_write(asio::buffer("hello", 5), ec_), 5U);
    EXPECT_FALSE(ec_) << ec_.message();
    std::string got(5, '\0');
    asio::read(peer_, asio::buffer(got));
    EXPECT_EQ(got, "hello");
}

// It must not wait until somebody reads.
TEST_F(TcpStream, TellsWhatDoesNotFit)
{
    std::string text;
    for (int i = 0; text.size() < std::size_t{1} << 20; ++i)
        text += std::to_string(i) + ' ';
    std::size_t sent = stream_->try_write(asio::buffer(text), ec_);
    EXPECT_GT(sent, 0U);
    ASSERT_LT(sent, text.size());
    EXPECT_EQ(ec_, asio::error::would_block);

    std::string got(text.size(), '\0');
    const auto rest = asio::buffer(text) + sent;
    bool is_read = false;
    asio::async_read(peer_, asio::buffer(got), [&](error_code, std::size_t) { is_read = true; });
    asio::const_buffer left = rest;
    const auto go_on = [&](auto&& self) -> void {
        stream_->async_write_some(
            left, asio::bind_executor(io_, [&, self](error_code failed, std::size_t size) {
                ASSERT_FALSE(failed) << failed.message();
                left += size;
                if (left.size() != 0)
                    self(self);
            }));
    };
    go_on(go_on);
    io_.run();
    EXPECT_TRUE(is_read);
    EXPECT_EQ(got, text);
}

TEST_F(TcpStream, TellsThatItIsClosed)
{
    stream_->close();
    EXPECT_EQ(stream_->try_write(asio::buffer("x", 1), ec_), 0U);
    EXPECT_TRUE(ec_);
    EXPECT_NE(ec_, asio::error::would_block);
}

}  // namespace
}  // namespace regolo::test
