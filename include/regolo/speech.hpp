#pragma once

#include <regolo/error.hpp>
#include <regolo/json.hpp>
#include <regolo/metadata.hpp>

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace regolo::inline v0 {

/** A request to `/v1/audio/speech`. Only what is set is sent; see `chat_request`.

    @par Example
    @code
    regolo::speech_request request("tts-model", "Tell me something about Rome.", "alloy");
    request.response_format = "mp3";
    auto spoken = co_await client.speak(request);
    @endcode
*/
class REGOLO_EXPORT speech_request
{
public:
    speech_request() = default;
    /// For that model; an empty name means `client_config::models.speech`.
    speech_request(std::string_view model_name, std::string_view text, std::string_view voice_name);

    std::string model;
    std::string input;
    std::string voice;
    std::string response_format;  ///< "mp3", "opus", "aac", "flac", "wav" or "pcm"
    std::optional<double> speed;  ///< 1 is normal
    std::string instructions;     ///< how to speak
    /// Further members, as they go over the wire.
    boost::json::object extra;
};

/// A whole recording.
struct REGOLO_EXPORT speech_response
{
    speech_response() = default;

    std::string audio;  ///< bytes of the format asked for
    regolo::metadata metadata;

    /// Such as "audio/mpeg"; as the server says.
    [[nodiscard]] std::string_view media_type() const noexcept;
};

template <>
REGOLO_EXPORT result<speech_request> from_json<speech_request>(const boost::json::value& json);
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const speech_request& request);

}  // namespace regolo::inline v0
