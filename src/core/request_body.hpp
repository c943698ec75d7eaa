#pragma once

#include "core/codec.hpp"
#include "core/json_reader.hpp"
#include "core/json_writer.hpp"

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace regolo::core {

/// The memory in which a body is put together before it becomes text.
class request_memory
{
public:
    [[nodiscard]] write_context context() { return {&resource_}; }

private:
    boost::json::monotonic_resource resource_;
};

/// One stop sequence is a string, several are an array.
void read_stop(object_reader& in, std::vector<std::string>& out);
void write_stop(object_writer& out, const std::vector<std::string>& stop);

/// `stream_options`, where it says nothing but whether usage is wanted.
void read_include_usage(object_reader& in, std::optional<bool>& out);
void write_include_usage(object_writer& out, const std::optional<bool>& include_usage,
                         const write_context& context);

/// Sees to it that the request names a model.
result<void> name_model(boost::json::object& body, std::string_view default_model);

/** Adds what depends on the call to the members of a request, and makes the text.

    @param body   the members, `extra` among them
    @param extra  what the caller wrote himself, and which stays as he wrote it
*/
result<std::string> finish_body(boost::json::object& body, const boost::json::object& extra,
                                const std::optional<bool>& include_usage, bool stream,
                                std::string_view default_model);

/// The plain members that every generating request has, with their wire names: one list for both directions.
template <class Request, class Visitor>
void visit_shared_members(Request& request, const Visitor& visit)
{
    visit("temperature", request.temperature);
    visit("top_p", request.top_p);
    visit("top_k", request.top_k);
    visit("min_p", request.min_p);
    visit("frequency_penalty", request.frequency_penalty);
    visit("presence_penalty", request.presence_penalty);
    visit("repetition_penalty", request.repetition_penalty);
    visit("logit_bias", request.logit_bias);
    visit("max_tokens", request.max_tokens);
    visit("n", request.n);
    visit("seed", request.seed);
    visit("logprobs", request.logprobs);
    visit("stop_token_ids", request.stop_token_ids);
    visit("skip_special_tokens", request.skip_special_tokens);
    visit("disable_fallbacks", request.disable_fallbacks);
    visit("user", request.end_user);
}

}  // namespace regolo::core
