#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace regolo::test {

/// The bytes of a file under test/data; throws when it is not there.
[[nodiscard]] std::string read_data(const std::string& path);

/// An exchange recorded from a real server.
struct recording
{
    std::string name;    ///< "llama/chat_stream"
    std::string method;  ///< of the request; empty if it was not recorded
    std::string target;
    std::string body;
    std::string answer;  ///< head and body as they came
};

/// One recording by its name, for example "llama/chat_stream".
[[nodiscard]] recording read_recording(const std::string& name);

/// All recordings of one server, or of all for "", sorted by name.
[[nodiscard]] std::vector<recording> read_recordings(const std::string& server = {});

using pieces = std::vector<std::string_view>;

/// The bytes cut at the given ascending offsets.
[[nodiscard]] pieces cut(std::string_view bytes, std::span<const std::size_t> offsets);

/// The bytes in pieces of one size.
[[nodiscard]] pieces cut_evenly(std::string_view bytes, std::size_t size);

/** Calls `check` with the same bytes in ever different pieces.

    Whole, byte by byte, cut at every position, and at every pair of positions as long as there are no more than
    `most_pairs`; of more, an evenly spread choice that depends on nothing but the size.
*/
void for_each_split(std::string_view bytes, const std::function<void(const pieces&)>& check,
                    std::size_t most_pairs = 20'000);

}  // namespace regolo::test
