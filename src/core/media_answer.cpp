#include "core/media_answer.hpp"

#include "core/api_error.hpp"
#include "core/http_message.hpp"
#include "core/json_text.hpp"
#include "core/server_words.hpp"
#include "core/text.hpp"

#include <string>

namespace regolo::core {

bool is_no_media(std::string_view body, std::string_view media_type) noexcept
{
    return body.empty() || is_json_type(media_type) || media_type.starts_with("text/");
}

error_info decode_no_media(std::string_view body, const limits& bounds)
{
    json_tape tape;
    if (const auto document = json_parser(bounds).parse(body, tape);
        document && is_error_frame(*document))
        return decode_error_frame(*document, error_place::body);
    auto info = failure(errc::bad_response,
                        body.empty() ? "the server answered with success and an empty body"
                                     : "the server answered with text instead of the bytes asked "
                                       "for; is base_url that of the API?");
    read_server_body(body, info);
    return info;
}

}  // namespace regolo::core
