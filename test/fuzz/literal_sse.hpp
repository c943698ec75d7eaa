#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace regolo::fuzz {

/// An event as the standard dispatches it.
struct literal_event
{
    std::string name;
    std::string data;
    std::string id;
};

/// What the text of the standard says about a whole stream.
struct literal_stream
{
    std::vector<literal_event> events;
    std::optional<literal_event> unfinished;  // what lacks its blank line, with the id of its own
    std::vector<std::string> unknown;         // complete lines that are ignored and no comments
    std::string unknown_end;                  // such a line that breaks off
    std::string last_id;
    std::optional<std::int64_t> retry;
    std::uint64_t comments = 0;
    bool too_large = false;  // a line went above the limit; what follows it was not read
};

/** Server-sent events as the HTML standard writes them down (9.2.5 and 9.2.6), slowly: decode all of the stream, cut
    it into lines, go through the steps for each. Only the limit is ours: in bytes, for the data of an event, the
    value of each other field, and each unknown line where `report_unknown` is set. */
literal_stream read_literally(std::string_view bytes, std::size_t limit, bool report_unknown);

/// "UTF-8 decode without BOM" of the Encoding standard, byte by byte.
std::string decode_literally(std::string_view bytes);

}  // namespace regolo::fuzz
