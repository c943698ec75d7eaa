#pragma once

#include <regolo/transcript.hpp>
#include <regolo/upload.hpp>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace regolo::inline v0 {

/** A request to `/v1/audio/transcriptions` or `/v1/audio/translations`, sent as a form with a file.

    Only what is set is sent. `extra` may hold any further field and wins over a typed one of the same name: text goes out
    as it is, an array as a field `name[]` for each element, an object as its JSON text, and null not at all.
*/
class REGOLO_EXPORT transcription_request
{
public:
    transcription_request() = default;
    /// For that model; an empty name means `client_config::models.transcription`.
    transcription_request(std::string_view model_name, upload recording);

    std::string model;
    upload file;
    std::string language;         ///< of the recording, such as "it"
    std::string prompt;           ///< what the transcript goes on from: names, spelling, style
    std::string response_format;  ///< "json", "verbose_json", "text", "srt" or "vtt"
    std::optional<double> temperature;
    /// "auto", or an object such as {"type": "server_vad"}.
    boost::json::value chunking_strategy;
    std::vector<std::string> include;                  ///< such as "logprobs"
    std::vector<std::string> timestamp_granularities;  ///< "word", "segment"; with "verbose_json"
    /// Further fields.
    boost::json::object extra;
};

}  // namespace regolo::inline v0
