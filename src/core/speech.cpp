#include "core/speech_codec.hpp"

namespace regolo::inline v0 {

speech_request::speech_request(std::string_view model_name, std::string_view text,
                               std::string_view voice_name)
    : model(model_name), input(text), voice(voice_name)
{}

std::string_view speech_response::media_type() const noexcept
{
    return metadata.find("content-type").value_or(std::string_view());
}

template <>
result<speech_request> from_json<speech_request>(const boost::json::value& json)
{
    return core::read_document<speech_request>(json);
}

boost::json::value to_json(const speech_request& request) { return core::write_json(request, {}); }

}  // namespace regolo::inline v0
