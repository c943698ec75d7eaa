#pragma once

#include "core/codec.hpp"
#include "core/members.hpp"

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/object.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace regolo::core {

/// The memory in which a body is put together before it becomes text.
class request_memory
{
public:
    [[nodiscard]] write_context context() { return {&resource_}; }

private:
    std::array<unsigned char, std::size_t{4} * 1024> first_;  // enough for most
    boost::json::monotonic_resource resource_{first_.data(), first_.size()};
};

/// Sees to it that the request names a model.
result<void> name_model(boost::json::object& body, std::string_view default_model);

/** Adds what depends on the call to the members of a request, and makes the text.

    @param body   the members, `extra` among them
    @param extra  what the caller wrote himself, and which stays as he wrote it
*/
result<std::string> finish_body(boost::json::object& body, const boost::json::object& extra,
                                const std::optional<bool>& include_usage, bool stream,
                                std::string_view default_model);

/// The body of a generating request; see `encode`.
template <class Request>
result<std::string> encode_generation(const Request& request, bool stream,
                                      std::string_view default_model)
{
    request_memory memory;
    auto body = write_json(request, memory.context()).as_object();
    return finish_body(body, request.extra, request.include_usage, stream, default_model);
}

/// Texts of which a single one is sent as it is, without an array around it.
template <class Texts>
struct one_or_several
{
    Texts& texts;

    void clear() const { texts.clear(); }
    [[nodiscard]] bool empty() const noexcept { return texts.empty(); }
};
template <class Texts>
one_or_several(Texts&) -> one_or_several<Texts>;

template <class Texts>
bool read_json(json_view json, const json_place& place, one_or_several<Texts>& out)
{
    if (!json.is_string())
        return read_json(json, place, out.texts);
    out.texts.resize(1);
    return read_json(json, place, out.texts.front());
}

template <class Texts>
boost::json::value write_json(const one_or_several<Texts>& value, const write_context& context)
{
    return value.texts.size() == 1 ? write_json(value.texts.front(), context)
                                   : write_json(value.texts, context);
}

/// `stream_options`, where it says nothing but whether usage is wanted.
template <class Flag>
struct stream_wishes
{
    Flag& include_usage;

    void clear() const noexcept { include_usage.reset(); }
    [[nodiscard]] bool empty() const noexcept { return !include_usage; }
};
template <class Flag>
stream_wishes(Flag&) -> stream_wishes<Flag>;

template <class Flag>
bool read_json(json_view json, const json_place& place, stream_wishes<Flag>& out)
{
    const auto flag = json.find("include_usage");
    if (!flag || json.size() > 1)
        return place.fail("asks for more than usage");
    return read_json(flag, place.member("include_usage"), out.include_usage);
}

template <class Flag>
boost::json::value write_json(const stream_wishes<Flag>& value, const write_context& context)
{
    object_writer out(context);
    out.put("include_usage", value.include_usage);
    return std::move(out).with({});
}

/// The members that every generating request has.
template <class Members, class Request>
void visit_generation(const Members& members, Request& value)
{
    members("temperature", value.temperature);
    members("top_p", value.top_p);
    members("top_k", value.top_k);
    members("min_p", value.min_p);
    members("frequency_penalty", value.frequency_penalty);
    members("presence_penalty", value.presence_penalty);
    members("repetition_penalty", value.repetition_penalty);
    members("logit_bias", value.logit_bias);
    members("max_tokens", value.max_tokens);
    members("n", value.n);
    members("seed", value.seed);
    members("logprobs", value.logprobs);
    members("stop_token_ids", value.stop_token_ids);
    members("skip_special_tokens", value.skip_special_tokens);
    members("disable_fallbacks", value.disable_fallbacks);
    members("user", value.end_user);
    one_or_several stop{value.stop};
    members("stop", stop);
    stream_wishes wishes{value.include_usage};
    members("stream_options", wishes);
}

}  // namespace regolo::core
