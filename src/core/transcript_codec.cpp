#include "core/transcript_codec.hpp"

#include "core/api_error.hpp"
#include "core/codec.hpp"
#include "core/http_message.hpp"
#include "core/json_text.hpp"
#include "core/text.hpp"
#include "core/utf8.hpp"

namespace regolo {

namespace core {

namespace {

bool begins_with(std::string_view body, std::string_view any_of) noexcept
{
    const auto first = body.find_first_not_of(" \t\r\n");
    return first != std::string_view::npos && any_of.find(body[first]) != std::string_view::npos;
}

bool is_web_page(std::string_view body) noexcept
{
    const auto starts_with = [page = trim(body)](std::string_view tag) {
        return iequals(page.substr(0, tag.size()), tag);
    };
    return starts_with("<!doctype") || starts_with("<html") || starts_with("<head") ||
           starts_with("<?xml");
}

// A web page is no transcript. Some servers send plain transcripts as text/html, but never with a tag first.
bool is_plain_transcript(std::string_view body, std::string_view media_type) noexcept
{
    const bool is_page = media_type == "text/html";
    if (is_json_type(media_type) || media_type == "text/event-stream")
        return false;
    // of a recording in which nobody speaks
    if (body.empty())
        return !media_type.empty() && !is_page;
    if (is_web_page(body) || (is_page && begins_with(body, "<")))
        return false;
    return !media_type.empty() || !begins_with(body, "{[\"<");
}

// Some send their JSON as text.
bool is_answer_as_text(std::string_view body, const limits& bounds)
{
    if (!begins_with(body, "{"))
        return false;
    json_tape tape;
    const auto document = json_parser(bounds).parse(body, tape);
    return document && document->is_object() &&
           (document->find("text") || is_error_frame(*document));
}

transcript transcript_of(std::string_view text)
{
    transcript plain;
    append_valid_utf8(plain.text, text);
    return plain;
}

}  // namespace

result<transcript> decode_transcript(std::string_view body, std::string_view media_type,
                                     const limits& bounds)
{
    if (is_plain_transcript(body, media_type))
    {
        if (is_answer_as_text(body, bounds))
            return decode<transcript>(body, bounds);
        return transcript_of(body);
    }
    if (begins_with(body, "\""))
    {
        json_tape tape;
        const auto document = json_parser(bounds).parse(body, tape);
        if (document && document->is_string())
            return transcript_of(document->text());
    }
    return decode<transcript>(body, bounds);
}

}  // namespace core

inline namespace v0 {

REGOLO_DEFINE_JSON(transcript)

boost::json::value to_json(const transcript_chunk& chunk) { return chunk.json; }

}  // namespace v0
}  // namespace regolo
