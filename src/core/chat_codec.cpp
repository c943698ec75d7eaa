#include "core/chat_codec.hpp"

namespace regolo {

namespace core {

bool read_json(json_view json, const json_place& place, chat_request& out)
{
    const bool read = read_members(json, place, out);
    // what is there went out, or it would not be there
    for (const auto& message : out.messages)
    {
        out.echo.reasoning = out.echo.reasoning || message.reasoning.has_value();
        out.echo.refusal = out.echo.refusal || message.refusal.has_value();
        out.echo.annotations = out.echo.annotations || !message.annotations.empty();
    }
    return read;
}

bool read_json(json_view json, const json_place& place, chat_choice& out)
{
    const bool read = read_members(json, place, out);
    if (out.message.role.empty())
        out.message.role = "assistant";
    return read;
}

result<std::string> encode(const chat_request& request, bool stream, std::string_view default_model)
{
    if (request.messages.empty() && !request.extra.contains("messages"))
        return invalid_request(
            "the request has no messages: add one with user(), or set `messages`");
    return encode_generation(request, stream, default_model);
}

}  // namespace core

inline namespace v0 {

REGOLO_DEFINE_JSON(chat_request)
REGOLO_DEFINE_JSON(chat_response)
REGOLO_DEFINE_JSON(chat_chunk)

}  // namespace v0
}  // namespace regolo
