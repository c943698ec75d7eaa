#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace regolo::inline v0::testing {

/// A request as it arrived, and how far its answer has got.
struct received_request
{
    std::string method;
    std::string target;
    std::string version;                                       ///< "HTTP/1.1"
    std::vector<std::pair<std::string, std::string>> headers;  ///< in order, spelled as sent
    std::string body;                                          ///< without its chunk framing
    std::size_t connection = 0;      ///< number of the connection, the first is 0
    std::size_t sequence = 0;        ///< number of the request, the first is 0
    std::size_t pieces_written = 0;  ///< pieces of the answer handed to the system so far
    bool is_answered = false;        ///< the answer was written to its end

    /// The value of the first such header, its name compared without regard to case; empty if absent.
    [[nodiscard]] std::string_view header(std::string_view name) const noexcept;

    [[nodiscard]] bool has_header(std::string_view name) const noexcept;

    /// The target without the query.
    [[nodiscard]] std::string_view path() const noexcept;

    /// Whether the client is willing to use the connection again.
    [[nodiscard]] bool wants_keep_alive() const noexcept;
};

}  // namespace regolo::inline v0::testing
