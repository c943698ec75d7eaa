#include "core/content_codec.hpp"

namespace regolo::core {

namespace json = boost::json;

namespace {

std::string_view text_member(json_view object, std::string_view key) noexcept
{
    const auto json = object.find(key);
    return json && json.is_string() ? json.text() : std::string_view{};
}

// Reasoning stands under different names: plain, or in parts of its own.
void append_reasoning(json_view json, std::string& out)
{
    if (json.is_string())
    {
        out.append(json.text());
    }
    else if (json.is_array())
    {
        for (const auto element : json.elements())
            append_reasoning(element, out);
    }
    else if (json.is_object())
    {
        for (const std::string_view key : {"thinking", "reasoning", "text"})
        {
            const auto inner = json.find(key);
            if (!inner || inner.is_null())
                continue;
            append_reasoning(inner, out);
            return;
        }
    }
}

bool has_payload(const content_part& part) noexcept
{
    return !part.url.empty() || !part.payload_extra.empty();
}

}  // namespace

bool is_reasoning(std::string_view part_type) noexcept
{
    return part_type == "thinking" || part_type == "reasoning";
}

bool join_parts(json_view parts, const json_place& place, content_texts out)
{
    bool all_text = true;
    const bool wants_reasoning = !out.reasoning;
    std::size_t i = 0;
    for (const auto part : parts.elements())
    {
        const auto here = place.element(i++);
        if (part.is_string())
        {
            started(out.content).append(part.text());
            continue;
        }
        if (!part.is_object())
        {
            here.fail("is neither a string nor an object");
            return true;
        }
        if (is_reasoning(text_member(part, "type")))
        {
            if (wants_reasoning)
                append_reasoning(part, started(out.reasoning));
        }
        else if (const auto text = part.find("text"); text && text.is_string())
        {
            started(out.content).append(text.text());
        }
        else
        {
            all_text = false;
        }
    }
    return all_text;
}

json_view read_content(object_reader& in, std::optional<std::string>& out)
{
    const auto json = in.take("content");
    if (json && json.is_string())
    {
        started(out).assign(json.text());
        return {};
    }
    out.reset();
    if (!json || json.is_array())
        return json;
    in.place().member("content").fail("is neither a string nor an array");
    return {};
}

bool read_json(json_view json, const json_place& place, content_part& out)
{
    out = {};
    if (json.is_string())
    {
        out = content_part::text_part(std::string(json.text()));
        return true;
    }
    object_reader in(json, place);
    in.read_lenient("type", out.type);
    in.read_lenient("text", out.text);
    // the payload stands in a member named as the type; one of another shape stays as it is
    if (!out.type.empty() && out.type != "text")
    {
        const auto payload = in.take(out.type);
        if (payload && payload.is_object() && payload.size() != 0)
        {
            const auto inside = place.member(out.type);
            object_reader inner(payload, inside);
            inner.read_lenient("url", out.url);
            inner.rest(out.payload_extra);
            if (!has_payload(out))
                in.give_back(out.type);
        }
        else if (payload)
        {
            in.give_back(out.type);
        }
    }
    in.rest(out.extra);
    return in.is_object();
}

json::value write_json(const content_part& value, const write_context& context)
{
    object_writer out(context);
    out.put("type", value.type);
    if (value.type == "text")
        out.always("text", value.text);
    else
        out.put("text", value.text);
    if (has_payload(value))
    {
        object_writer payload(context);
        payload.put("url", value.url);
        out.always(value.type, std::move(payload).with(value.payload_extra));
    }
    return std::move(out).with(value.extra);
}

}  // namespace regolo::core
