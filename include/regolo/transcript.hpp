#pragma once

#include <regolo/error.hpp>
#include <regolo/json.hpp>
#include <regolo/metadata.hpp>
#include <regolo/usage.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace regolo::inline v0 {

/// A word of a transcript with its place in the recording.
struct transcript_word
{
    transcript_word() = default;

    std::string word;
    double start = 0;  ///< seconds
    double end = 0;    ///< seconds
    boost::json::object extra;
};

/// A stretch of a transcript with its place in the recording.
struct transcript_segment
{
    transcript_segment() = default;

    std::int64_t id = 0;  ///< one that is a name, as of diarized transcripts, is in `extra`
    double start = 0;     ///< seconds
    double end = 0;       ///< seconds
    std::string text;
    std::vector<std::int64_t> tokens;
    std::optional<double> temperature;
    std::optional<double> avg_logprob;
    std::optional<double> compression_ratio;
    std::optional<double> no_speech_prob;
    boost::json::object extra;
};

/** What was said in a recording.

    `text` is the transcript in the format asked for: plain, or whole SubRip or WebVTT text. The other members are filled
    where the server sends them, which is with `response_format` "verbose_json".
*/
struct REGOLO_EXPORT transcript
{
    transcript() = default;

    std::string text;
    std::string language;
    std::optional<double> duration;  ///< of the recording in seconds
    std::vector<transcript_segment> segments;
    std::vector<transcript_word> words;
    boost::json::array logprobs;
    std::optional<regolo::usage> usage;
    boost::json::object extra;
    regolo::metadata metadata;
};

/** What a server tells while it transcribes: an event of its stream, or the whole answer where it sends no stream though
    one was asked for, as gateways do. */
struct REGOLO_EXPORT transcript_chunk
{
    transcript_chunk() = default;

    /// "transcript.text.delta", "transcript.text.done", "transcript.text.segment"; empty where the server gives none.
    std::string type;
    std::string delta;         ///< what it adds to the text; empty where it repeats what was there
    boost::json::object json;  ///< the event as it came

    [[nodiscard]] std::string_view text() const noexcept { return delta; }
};

[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const transcript_chunk& chunk);

template <>
REGOLO_EXPORT result<transcript> from_json<transcript>(const boost::json::value& json);
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const transcript& value);

}  // namespace regolo::inline v0
