#include "core/completion_codec.hpp"

#include "core/answer_members.hpp"
#include "core/request_body.hpp"

namespace regolo {

namespace core {

namespace json = boost::json;

namespace {

// Puts a prompt of that shape into `out` if it is one.
template <class Shape>
bool read_prompt_as(const json::value& json, completion_request::prompt_type& out)
{
    read_context context(0);
    Shape prompt;
    if (!read_json(json, json_place(context), prompt))
        return false;
    out = std::move(prompt);
    return true;
}

// Token ids must be numbers here: the lenient reader would take texts of digits for them.
bool is_text_list(const json::array& array) noexcept
{
    return !array.empty() && array.front().is_string();
}

void read_prompt(object_reader& in, completion_request::prompt_type& out)
{
    out = std::string();
    const auto* json = in.take("prompt");
    if (json == nullptr)
        return;
    const auto* array = json->if_array();
    const bool read = array == nullptr ? read_prompt_as<std::string>(*json, out)
                      : is_text_list(*array)
                          ? read_prompt_as<std::vector<std::string>>(*json, out)
                          : read_prompt_as<std::vector<std::int64_t>>(*json, out) ||
                                read_prompt_as<std::vector<std::vector<std::int64_t>>>(*json, out);
    if (!read)
        in.give_back("prompt");
}

}  // namespace

bool read_json(const json::value& json, const json_place& place, completion_request& out)
{
    object_reader in(json, place);
    in.read_lenient("model", out.model);
    read_prompt(in, out.prompt);
    in.read_lenient("suffix", out.suffix);
    in.read_lenient("max_tokens", out.max_tokens);
    in.read_lenient("temperature", out.temperature);
    in.read_lenient("top_p", out.top_p);
    in.read_lenient("top_k", out.top_k);
    in.read_lenient("min_p", out.min_p);
    in.read_lenient("frequency_penalty", out.frequency_penalty);
    in.read_lenient("presence_penalty", out.presence_penalty);
    in.read_lenient("repetition_penalty", out.repetition_penalty);
    in.read_lenient("logit_bias", out.logit_bias);
    in.read_lenient("n", out.n);
    in.read_lenient("best_of", out.best_of);
    in.read_lenient("seed", out.seed);
    in.read_lenient("logprobs", out.logprobs);
    in.read_lenient("echo", out.echo);
    read_stop(in, out.stop);
    in.read_lenient("stop_token_ids", out.stop_token_ids);
    in.read_lenient("skip_special_tokens", out.skip_special_tokens);
    in.read_lenient("disable_fallbacks", out.disable_fallbacks);
    in.read_lenient("user", out.end_user);
    read_include_usage(in, out.include_usage);
    in.rest(out.extra);
    return in.is_object();
}

bool read_json(const json::value& json, const json_place& place, completion_choice& out)
{
    object_reader in(json, place);
    read_index(in, "index", place.position(), false, out.index);
    in.read("text", out.text);
    in.read_lenient("finish_reason", out.finish_reason);
    in.read_lenient("logprobs", out.logprobs);
    in.read_lenient("stop_reason", out.stop_reason);
    in.rest(out.extra);
    return !place.context().failed();
}

bool read_json(const json::value& json, const json_place& place, completion_response& out)
{
    object_reader in(json, place);
    read_answer(in, out);
    in.rest(out.extra);
    return !place.context().failed();
}

bool read_json(const json::value& json, const json_place& place, completion_chunk& out)
{
    object_reader in(json, place);
    read_answer(in, out);
    in.rest(out.extra);
    return !place.context().failed();
}

json::value write_json(const completion_request& value, const write_context& context)
{
    object_writer out(context);
    out.put("model", value.model);
    std::visit([&out](const auto& prompt) { out.put("prompt", prompt); }, value.prompt);
    out.put("suffix", value.suffix);
    out.put("max_tokens", value.max_tokens);
    out.put("temperature", value.temperature);
    out.put("top_p", value.top_p);
    out.put("top_k", value.top_k);
    out.put("min_p", value.min_p);
    out.put("frequency_penalty", value.frequency_penalty);
    out.put("presence_penalty", value.presence_penalty);
    out.put("repetition_penalty", value.repetition_penalty);
    out.put("logit_bias", value.logit_bias);
    out.put("n", value.n);
    out.put("best_of", value.best_of);
    out.put("seed", value.seed);
    out.put("logprobs", value.logprobs);
    out.put("echo", value.echo);
    write_stop(out, value.stop);
    out.put("stop_token_ids", value.stop_token_ids);
    out.put("skip_special_tokens", value.skip_special_tokens);
    out.put("disable_fallbacks", value.disable_fallbacks);
    out.put("user", value.end_user);
    write_include_usage(out, value.include_usage, context);
    return std::move(out).with(value.extra);
}

json::value write_json(const completion_choice& value, const write_context& context)
{
    object_writer out(context);
    out.always("index", value.index);
    out.always("text", value.text);
    out.put("finish_reason", value.finish_reason);
    out.put("logprobs", value.logprobs);
    out.put("stop_reason", value.stop_reason);
    return std::move(out).with(value.extra);
}

json::value write_json(const completion_response& value, const write_context& context)
{
    object_writer out(context);
    write_answer(out, value);
    return std::move(out).with(value.extra);
}

json::value write_json(const completion_chunk& value, const write_context& context)
{
    object_writer out(context);
    write_answer(out, value);
    return std::move(out).with(value.extra);
}

result<std::string> encode(const completion_request& request, bool stream,
                           std::string_view default_model)
{
    request_memory memory;
    auto body = write_json(request, memory.context()).as_object();
    return finish_body(body, request.extra, request.include_usage, stream, default_model);
}

}  // namespace core

inline namespace v0 {

template <>
result<completion_request> from_json<completion_request>(const boost::json::value& json)
{
    return core::read_document<completion_request>(json);
}

template <>
result<completion_response> from_json<completion_response>(const boost::json::value& json)
{
    return core::read_document<completion_response>(json);
}

template <>
result<completion_chunk> from_json<completion_chunk>(const boost::json::value& json)
{
    return core::read_document<completion_chunk>(json);
}

boost::json::value to_json(const completion_request& request)
{
    return core::write_json(request, {});
}

boost::json::value to_json(const completion_response& response)
{
    return core::write_json(response, {});
}

boost::json::value to_json(const completion_chunk& chunk) { return core::write_json(chunk, {}); }

}  // namespace v0
}  // namespace regolo
