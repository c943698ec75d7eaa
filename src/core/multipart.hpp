#pragma once

#include <string>
#include <string_view>

namespace regolo::core {

/** A `multipart/form-data` body (RFC 7578) around one file, whose bytes are not in it.

    @code
    multipart_form form(boundary);
    form.add("model", "whisper");
    form.begin_file("file", "talk.mp3", "audio/mpeg");
    send(form.before_file()), the file, send(form.after_file())
    @endcode
*/
class multipart_form
{
public:
    /// @param boundary  1 to 70 letters and digits that the content does not have in it
    explicit multipart_form(std::string boundary) : boundary_(std::move(boundary)) {}

    [[nodiscard]] std::string content_type() const;

    void add(std::string_view name, std::string_view value);
    /// The file is the last part.
    void begin_file(std::string_view name, std::string_view file_name,
                    std::string_view content_type);

    [[nodiscard]] const std::string& before_file() const noexcept { return text_; }
    [[nodiscard]] std::string after_file() const;

private:
    void begin_part(std::string_view name);

    std::string boundary_;
    std::string text_;
};

/// The media type of an audio or video file by the ending of its name; "application/octet-stream" where it tells nothing.
std::string_view media_type_of_name(std::string_view file_name) noexcept;

}  // namespace regolo::core
