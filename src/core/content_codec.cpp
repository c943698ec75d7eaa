#include "core/content_codec.hpp"

namespace regolo::core {

namespace json = boost::json;

namespace {

std::string_view text_member(const json::object& object, std::string_view key) noexcept
{
    const auto* json = object.if_contains(key);
    const auto* text = json == nullptr ? nullptr : json->if_string();
    return text == nullptr ? std::string_view{} : std::string_view(*text);
}

// Reasoning stands under different names: plain, or in parts of its own.
void append_reasoning(const json::value& json, std::string& out)
{
    if (const auto* text = json.if_string())
    {
        out.append(text->data(), text->size());
    }
    else if (const auto* array = json.if_array())
    {
        for (const auto& element : *array)
            append_reasoning(element, out);
    }
    else if (const auto* object = json.if_object())
    {
        for (const std::string_view key : {"thinking", "reasoning", "text"})
        {
            const auto* inner = object->if_contains(key);
            if (inner == nullptr || inner->is_null())
                continue;
            append_reasoning(*inner, out);
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

bool join_parts(const json::array& parts, const json_place& place, content_texts out)
{
    bool all_text = true;
    const bool wants_reasoning = !out.reasoning;
    for (std::size_t i = 0; i < parts.size(); ++i)
    {
        if (const auto* text = parts[i].if_string())
        {
            started(out.content).append(text->data(), text->size());
            continue;
        }
        const auto* part = parts[i].if_object();
        if (part == nullptr)
        {
            place.element(i).fail("is neither a string nor an object");
            return true;
        }
        if (is_reasoning(text_member(*part, "type")))
        {
            if (wants_reasoning)
                append_reasoning(parts[i], started(out.reasoning));
        }
        else if (const auto* text = part->if_contains("text"); text != nullptr && text->is_string())
        {
            started(out.content).append(text_member(*part, "text"));
        }
        else
        {
            all_text = false;
        }
    }
    return all_text;
}

const json::array* read_content(object_reader& in, std::optional<std::string>& out)
{
    const auto* json = in.take("content");
    if (json != nullptr && json->is_string())
    {
        started(out).assign(std::string_view(json->get_string()));
        return nullptr;
    }
    out.reset();
    if (json == nullptr)
        return nullptr;
    if (!json->is_array())
        in.place().member("content").fail("is neither a string nor an array");
    return json->if_array();
}

bool read_json(const json::value& json, const json_place& place, content_part& out)
{
    out = {};
    if (const auto* text = json.if_string())
    {
        out = content_part::text_part(*text);
        return true;
    }
    object_reader in(json, place);
    in.read_lenient("type", out.type);
    in.read_lenient("text", out.text);
    // the payload stands in a member named as the type; one of another shape stays as it is
    if (!out.type.empty() && out.type != "text")
    {
        const auto* payload = in.take(out.type);
        if (payload != nullptr && payload->is_object() && !payload->get_object().empty())
        {
            const auto inside = place.member(out.type);
            object_reader inner(*payload, inside);
            inner.read_lenient("url", out.url);
            inner.rest(out.payload_extra);
            if (!has_payload(out))
                in.give_back(out.type);
        }
        else if (payload != nullptr)
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
