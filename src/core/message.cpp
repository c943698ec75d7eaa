#include "core/base64.hpp"
#include "core/image_type.hpp"
#include "core/json_writer.hpp"

#include <regolo/message.hpp>

#include <utility>

namespace regolo::inline v0 {

namespace {

content_part with_url(std::string_view type, std::string_view url)
{
    content_part part;
    part.type = type;
    part.url = url;
    return part;
}

}  // namespace

content_part content_part::text_part(std::string_view text)
{
    content_part part;
    part.type = "text";
    part.text = text;
    return part;
}

content_part content_part::image_url(std::string_view url) { return with_url("image_url", url); }

content_part content_part::image(std::string_view bytes, std::string_view media_type)
{
    if (media_type.empty())
        media_type = core::image_type(bytes);
    if (media_type.empty())
    {
        throw error(core::invalid_request(
            "the picture is no PNG, JPEG, WebP or GIF: name its media type, such as image/bmp"));
    }
    return image_url("data:" + std::string(media_type) + ";base64," + core::encode_base64(bytes));
}

content_part content_part::video_url(std::string_view url) { return with_url("video_url", url); }

chat_message chat_message::system(std::string_view text) { return {"system", text}; }

chat_message chat_message::user(std::string_view text) { return {"user", text}; }

chat_message chat_message::user(std::vector<content_part> parts)
{
    chat_message message;
    message.role = "user";
    message.parts = std::move(parts);
    return message;
}

chat_message chat_message::assistant(std::string_view text) { return {"assistant", text}; }

chat_message chat_message::tool_result(std::string_view tool_call_id, std::string_view text)
{
    chat_message message("tool", text);
    message.tool_call_id = tool_call_id;
    return message;
}

std::string chat_message::text() const
{
    if (content)
        return *content;
    std::string joined;
    for (const auto& part : parts)
        if (part.type == "text")
            joined += part.text;
    return joined;
}

}  // namespace regolo::inline v0
