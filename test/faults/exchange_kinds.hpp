#pragma once

#include <regolo.hpp>

#include <boost/asio/awaitable.hpp>

#include <string>
#include <string_view>

namespace regolo::test {

/// An exchange in one text, so that all of them can be compared the same way.
struct exchange_kind
{
    const char* name;
    std::string answer;  ///< the bytes that the server sends
    boost::asio::awaitable<std::string> (*run)(const client&, call_options);
    std::string right;  ///< what comes of the whole answer
    std::string (*literal)(
        std::string_view body);  ///< the same from a body, by a reading of its own
};

/// Whole answer, stream, stream of tool calls, error, upload, download.
const std::vector<exchange_kind>& exchange_kinds();

/** What the answer says, read slowly from the bytes up to the end of the connection by nothing of the library; throws where it is
    incomplete or malformed. */
std::string read_literally(const exchange_kind& kind, std::string_view bytes);

}  // namespace regolo::test
