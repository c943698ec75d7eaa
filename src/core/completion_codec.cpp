#include "core/completion_codec.hpp"

#include "core/answer_members.hpp"
#include "core/request_body.hpp"
#include "core/text_or_tokens.hpp"

namespace regolo {

namespace core {

namespace json = boost::json;

namespace {

/// The plain members that only a completion request has, with their wire names.
template <class Request, class Visitor>
void visit_own_members(Request& request, const Visitor& visit)
{
    visit("suffix", request.suffix);
    visit("best_of", request.best_of);
    visit("echo", request.echo);
}

}  // namespace

bool read_json(const json::value& json, const json_place& place, completion_request& out)
{
    object_reader in(json, place);
    in.read_lenient("model", out.model);
    read_text_or_tokens(in, "prompt", out.prompt);
    const auto read = [&in](const char* name, auto& member) { in.read_lenient(name, member); };
    visit_shared_members(out, read);
    visit_own_members(out, read);
    read_stop(in, out.stop);
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
    write_text_or_tokens(out, "prompt", value.prompt);
    const auto put = [&out](const char* name, const auto& member) { out.put(name, member); };
    visit_shared_members(value, put);
    visit_own_members(value, put);
    write_stop(out, value.stop);
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
