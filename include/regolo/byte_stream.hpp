#pragma once

#include <regolo/stream.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace regolo::inline v0 {

/** The bytes of an answer as they arrive, such as speech: a stream whose chunks are pieces of the body, at most 64 KiB each.

    It ends as `finished` when the body is complete. Until the first piece has been handed out, a failure that the retry
    policy covers starts a new attempt. `limits::body` does not count here.

    @par Example
    @code
    auto speech = co_await client.stream_speech(request);
    std::string piece;
    while (co_await speech.next(piece))
        file.write(piece.data(), static_cast<std::streamsize>(piece.size()));
    @endcode
*/
class REGOLO_EXPORT byte_stream : public detail::basic_stream<std::string>
{
public:
    byte_stream() = default;

    /** Takes the bytes as they come; valid until the awaitable completes. A lambda that captures more than references is
        better a variable of its own: g++ 12 destroys one that stands in the `co_await` expression itself too early. */
    using sink = std::function<boost::asio::awaitable<void>(std::string_view)>;

    /** Hands the rest of the body to a function, piece by piece, each when it is done with the one before.

        @returns the number of bytes
        @par Errors  those of `next()`; what the function throws ends the stream and reaches the caller as it is
    */
    [[nodiscard]] boost::asio::awaitable<std::uint64_t> write_to(sink take);

private:
    using basic_stream::basic_stream;
    friend struct detail::stream_access;
};

extern template class detail::basic_stream<std::string>;

}  // namespace regolo::inline v0
