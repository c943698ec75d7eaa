#include "stream_state.hpp"

#include <regolo/byte_stream.hpp>

#include <exception>
#include <utility>

namespace regolo::inline v0 {

namespace asio = boost::asio;

namespace {

asio::awaitable<std::uint64_t> pour(byte_stream from, byte_stream::sink take)
{
    std::uint64_t bytes = 0;
    std::string piece;
    while (co_await from.next(piece))
    {
        co_await take(piece);
        bytes += piece.size();
    }
    co_return bytes;
}

}  // namespace

// The bytes go to the function from a second handle: closing that one, by an exception, ends the stream.
asio::awaitable<std::uint64_t> byte_stream::write_to(sink take)
{
    return pour(byte_stream(state_), std::move(take));
}

}  // namespace regolo::inline v0
