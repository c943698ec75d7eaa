#include "net/os.hpp"

#include <array>
#include <cstddef>
#include <cstring>

#if defined(__unix__) || defined(__APPLE__)
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#endif

namespace regolo::net::os {

namespace {

#if defined(__unix__) || defined(__APPLE__)
void set_option(tcp::socket& socket, int level, int name, int value) noexcept
{
    // A refusal only means that the probes come later.
    ::setsockopt(socket.native_handle(), level, name, &value, sizeof value);
}
#endif

}  // namespace

void enable_keepalive(tcp::socket& socket) noexcept
{
    error_code ignored;
    socket.set_option(asio::socket_base::keep_alive(true), ignored);
#if defined(TCP_KEEPIDLE)
    set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, 60);
    set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, 15);
    set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, 5);
#endif
#if defined(TCP_USER_TIMEOUT)
    set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, 135000);
#endif
}

byte_stream::silence peek(tcp::socket& socket) noexcept
{
    if (!socket.is_open())
        return byte_stream::silence::closed;
    error_code ec;
    if (!socket.non_blocking())
        socket.non_blocking(true, ec);
    std::array<char, 1> byte{};
    const auto n = socket.receive(asio::buffer(byte), asio::socket_base::message_peek, ec);
    if (ec == asio::error::would_block || ec == asio::error::try_again)
        return byte_stream::silence::quiet;
    if (ec || n == 0)
        return byte_stream::silence::closed;
    return byte_stream::silence::data;
}

std::optional<std::uint64_t> acknowledged([[maybe_unused]] tcp::socket& socket) noexcept
{
#if defined(__linux__)
    // tcpi_bytes_acked of the kernel's tcp_info, which grows at its end; that of the C library ends before it.
    constexpr std::size_t offset = 120;
    std::array<unsigned char, 256> info{};
    socklen_t size = info.size();
    std::uint64_t bytes = 0;
    if (::getsockopt(socket.native_handle(), IPPROTO_TCP, TCP_INFO, info.data(), &size) == 0 &&
        size >= offset + sizeof bytes)
    {
        std::memcpy(&bytes, info.data() + offset, sizeof bytes);
        return bytes;
    }
#endif
    return std::nullopt;
}

}  // namespace regolo::net::os
