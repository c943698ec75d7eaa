#pragma once

#include "net/world.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace regolo::net {

/// `co_await read_some(stream, room, ec)`: bytes read; errors go to `ec`, which must live until then.
inline auto read_some(byte_stream& stream, asio::mutable_buffer into, error_code& ec)
{
    using token = asio::redirect_error_t<asio::use_awaitable_t<>>;
    token how(asio::use_awaitable, ec);
    return asio::async_initiate<token, void(error_code, std::size_t)>(
        [&stream, into](auto done) { stream.async_read_some(into, std::move(done)); }, how);
}

/// The same for writing.
inline auto write_some(byte_stream& stream, asio::const_buffer from, error_code& ec)
{
    using token = asio::redirect_error_t<asio::use_awaitable_t<>>;
    token how(asio::use_awaitable, ec);
    return asio::async_initiate<token, void(error_code, std::size_t)>(
        [&stream, from](auto done) { stream.async_write_some(from, std::move(done)); }, how);
}

}  // namespace regolo::net
