#pragma once

#include <regolo/stream.hpp>

#include <boost/asio/awaitable.hpp>

namespace regolo::inline v0::detail {

/// Reads a stream to its end for a caller who wants the answer alone. Errors carry the text that had arrived.
template <class Stream>
boost::asio::awaitable<typename Stream::answer_type> collect(
    boost::asio::awaitable<Stream> opening);

}  // namespace regolo::inline v0::detail
