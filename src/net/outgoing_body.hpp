#pragma once

#include "core/http_message.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace regolo::net {

/// Gives out the bytes of a request body, once.
class body_source
{
public:
    virtual ~body_source() = default;

    /// The next bytes, valid until the next call; none at the end. Cancelled when an answer comes before the end.
    virtual boost::asio::awaitable<std::string_view> read() = 0;
};

/// The body of a request: bytes that its attempts share, or a source that each of them opens anew.
struct outgoing_body
{
    std::shared_ptr<const std::string> bytes;
    std::function<std::unique_ptr<body_source>()> open;  // instead of `bytes`
    std::optional<std::uint64_t>
        size;  // what `open` gives, to the byte, or it throws; unset: nobody knows before
    bool one_shot = false;  // `open` works once

    /// Nothing where there is no body.
    [[nodiscard]] std::optional<core::body_length> length() const
    {
        if (open)
            return core::body_length{size};
        if (bytes)
            return core::body_length{bytes->size()};
        return std::nullopt;
    }
};

}  // namespace regolo::net
