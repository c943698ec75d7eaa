#include "core/image_codec.hpp"

#include "core/base64.hpp"
#include "core/text.hpp"

#include <optional>
#include <utility>

namespace regolo {

namespace core {

namespace json = boost::json;

namespace {

/// What stands behind the comma of a `data:` URI in base64; nothing for any other URL.
std::optional<std::string_view> base64_of_uri(std::string_view url)
{
    const auto comma = url.find(',');
    if (comma == std::string_view::npos)
        return std::nullopt;
    const auto head = to_lower(url.substr(0, comma));
    if (!head.starts_with("data:") || !head.ends_with(";base64"))
        return std::nullopt;
    return url.substr(comma + 1);
}

bool read_base64(std::string_view text, const json_place& place, std::string& out)
{
    auto bytes = decode_base64(text);
    if (!bytes)
        return place.fail("is no base64");
    out = std::move(*bytes);
    return true;
}

}  // namespace

bool read_json(json_view json, const json_place& place, image& out)
{
    object_reader in(json, place);
    std::string base64;
    in.read("b64_json", base64);
    // some servers write a whole URI here
    read_base64(base64_of_uri(base64).value_or(base64), place.member("b64_json"), out.bytes);
    in.read_lenient("url", out.url);
    if (const auto data = base64_of_uri(out.url); data && out.bytes.empty())
    {
        read_base64(*data, place.member("url"), out.bytes);
        out.url.clear();
    }
    in.read_lenient("revised_prompt", out.revised_prompt);
    in.rest(out.extra);
    return !place.context().failed();
}

json::value write_json(const image& value, const write_context& context)
{
    object_writer out(context);
    out.put("b64_json", encode_base64(value.bytes));
    out.put("url", value.url);
    out.put("revised_prompt", value.revised_prompt);
    return std::move(out).with(value.extra);
}

}  // namespace core

inline namespace v0 {

REGOLO_DEFINE_JSON(image_request)
REGOLO_DEFINE_JSON(image)
REGOLO_DEFINE_JSON(image_response)

}  // namespace v0
}  // namespace regolo
