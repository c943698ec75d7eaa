#pragma once

#include <regolo/error.hpp>
#include <regolo/json.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace regolo::inline v0 {

/// A call of a function that the model asks for.
struct tool_call
{
    std::string id;
    std::string type = "function";
    std::string name;
    std::string arguments;  ///< JSON text exactly as the model wrote it, which may be invalid
    boost::json::object function_extra;  ///< further members of the inner `function` object
    boost::json::object extra;

    tool_call() = default;
    tool_call(std::string_view call_id, std::string_view function_name,
              std::string_view json_arguments)
        : id(call_id), name(function_name), arguments(json_arguments)
    {}
};

/// The legacy form of a tool call.
struct function_call
{
    function_call() = default;

    std::string name;
    std::string arguments;
    boost::json::object extra;
};

/** A part of a message whose content is not plain text.

    Made by the named functions. `extra` holds further members of the part itself, and `payload_extra`
    of the object inside it (`{"type":"image_url","image_url":{...payload_extra}}`).
*/
struct REGOLO_EXPORT content_part
{
    std::string type;  ///< "text", "image_url", "video_url" or any other
    std::string text;  ///< of a text part
    std::string url;   ///< of an image or video part: https or data URI
    boost::json::object payload_extra;
    boost::json::object extra;

    content_part() = default;

    [[nodiscard]] static content_part text_part(std::string_view text);
    [[nodiscard]] static content_part image_url(std::string_view url);
    [[nodiscard]] static content_part video_url(std::string_view url);
    /** A picture as a data URI. For one on disk see `image_file` in <regolo/upload.hpp>.
        @param media_type  such as "image/png"; empty: as the first bytes say
        @throws error      `errc::invalid_request` where they say nothing known */
    [[nodiscard]] static content_part image(std::string_view bytes,
                                            std::string_view media_type = {});
};

/** A message of a conversation.

    A message taken from an answer can be added to the next request as it is: tool calls and unknown
    members go out again; see `chat_request::echo` for the rest.
*/
struct REGOLO_EXPORT chat_message
{
    std::string role;  ///< "system", "user", "assistant", "tool", ...
    /// Text; unset when the message has none. Of an answer in parts, the text of these.
    std::optional<std::string> content;
    std::vector<content_part> parts;  ///< sent instead of `content` when not empty
    std::string name;
    std::string tool_call_id;  ///< of a message with the role "tool"
    std::vector<tool_call> tool_calls;
    std::optional<regolo::function_call> function_call;
    std::optional<std::string> reasoning;  ///< `reasoning_content` or `reasoning`
    std::optional<std::string> refusal;
    boost::json::array annotations;
    boost::json::object extra;

    chat_message() = default;
    chat_message(std::string_view role_name, std::string_view text) : role(role_name), content(text)
    {}

    [[nodiscard]] static chat_message system(std::string_view text);
    [[nodiscard]] static chat_message user(std::string_view text);
    [[nodiscard]] static chat_message user(std::vector<content_part> parts);
    [[nodiscard]] static chat_message assistant(std::string_view text);
    [[nodiscard]] static chat_message tool_result(std::string_view tool_call_id,
                                                  std::string_view text);

    /// The content as text: `content`, or the text parts joined. Empty when there is none.
    [[nodiscard]] std::string text() const;
};

template <>
REGOLO_EXPORT result<chat_message> from_json<chat_message>(const boost::json::value& json);
/// All of it, reasoning, refusal and annotations included; a request sends what its `echo` says.
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const chat_message& message);

}  // namespace regolo::inline v0
