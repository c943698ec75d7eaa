#include "core/multipart.hpp"

#include "core/http_message.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace regolo::core {

namespace {

// Quotes and line breaks are the ones that browsers escape; other bytes go out as they are, which is UTF-8 nowadays.
void append_quoted(std::string& out, std::string_view text)
{
    out += '"';
    for (const char each : text)
    {
        if (each == '"')
            out += "%22";
        else if (each == '\r')
            out += "%0D";
        else if (each == '\n')
            out += "%0A";
        else
            out += each;
    }
    out += '"';
}

struct ending
{
    std::string_view name;
    std::string_view type;
};

constexpr auto endings = std::to_array<ending>({
    {"aac", "audio/aac"},
    {"aif", "audio/aiff"},
    {"aiff", "audio/aiff"},
    {"flac", "audio/flac"},
    {"m4a", "audio/mp4"},
    {"mkv", "video/x-matroska"},
    {"mov", "video/quicktime"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"mpeg", "video/mpeg"},
    {"mpga", "audio/mpeg"},
    {"oga", "audio/ogg"},
    {"ogg", "audio/ogg"},
    {"opus", "audio/ogg"},
    {"wav", "audio/wav"},
    {"webm", "audio/webm"},
    {"wma", "audio/x-ms-wma"},
});

}  // namespace

std::string multipart_form::content_type() const
{
    return "multipart/form-data; boundary=" + boundary_;
}

void multipart_form::begin_part(std::string_view name)
{
    text_.append("--").append(boundary_).append("\r\nContent-Disposition: form-data; name=");
    append_quoted(text_, name);
}

void multipart_form::add(std::string_view name, std::string_view value)
{
    begin_part(name);
    text_.append("\r\n\r\n").append(value).append("\r\n");
}

void multipart_form::begin_file(std::string_view name, std::string_view file_name,
                                std::string_view content_type)
{
    begin_part(name);
    text_ += "; filename=";
    append_quoted(text_, file_name);
    text_.append("\r\nContent-Type: ").append(content_type).append("\r\n\r\n");
}

std::string multipart_form::after_file() const { return "\r\n--" + boundary_ + "--\r\n"; }

std::string_view media_type_of_name(std::string_view file_name) noexcept
{
    const auto dot = file_name.rfind('.');
    const auto name =
        dot == std::string_view::npos ? std::string_view() : file_name.substr(dot + 1);
    const auto* const found = std::find_if(endings.begin(), endings.end(), [name](const auto& one) {
        return iequals(one.name, name);
    });
    return found == endings.end() ? "application/octet-stream" : found->type;
}

}  // namespace regolo::core
