#pragma once

#include "call.hpp"
#include "collect.hpp"
#include "stream_state.hpp"

#include <regolo/client.hpp>

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace regolo::inline v0::detail {

/// The model that a request asks for: a member in `extra` wins over the typed one.
template <class Request>
std::string model_of(const Request& request, const std::string& default_model)
{
    if (const auto* other = request.extra.if_contains("model"); other && other->is_string())
        return std::string(other->get_string());
    return request.model.empty() ? default_model : request.model;
}

/// What sending a request means. One overload for each type that a client can send.
call_plan plan_of(const client_state& client, const chat_request& request, bool stream);
call_plan plan_of(const client_state& client, const completion_request& request, bool stream);
call_plan plan_of(const client_state& client, const api_request& request, bool stream);
call_plan plan_of(const client_state& client, const embedding_request& request, bool stream);
call_plan plan_of(const client_state& client, const speech_request& request, bool stream);
enum class transcription_task
{
    transcribe,
    stream,
    translate
};
call_plan transcription_plan(const client_state& client, const transcription_request& request,
                             transcription_task task);
call_plan plan_of(const client_state& client, const image_request& request, bool stream);
call_plan plan_of(const client_state& client, const rerank_request& request, bool stream);
call_plan plan_of(const client_state& client, const token_count_request& request, bool stream);
/// For what is asked for by its path alone.
call_plan plan_of_get(std::string_view operation, std::string_view path);
call_plan models_plan();
call_plan model_groups_plan();
/// For that model, or the default one; the options get the query.
call_plan supported_parameters_plan(const client_state& client, std::string model,
                                    call_options& options);

/// Sends a request and reads the whole answer.
/// @param request  a `call_plan`, or what the user has written, which is encoded when the operation is awaited
/// @param gate  stands before each attempt; null: that of the client
template <class Answer, class Request>
boost::asio::awaitable<Answer> fetch(std::shared_ptr<client_state> client, Request request,
                                     call_options options,
                                     std::shared_ptr<admission> gate = nullptr);

/// Sends a request and returns with the head of a success.
template <class Stream>
boost::asio::awaitable<Stream> open_stream(std::shared_ptr<client_state> client, call_plan plan,
                                           call_options options,
                                           std::shared_ptr<admission> gate = nullptr);

/// The stream of the requests that have one of the same answer; void of the others.
template <class Request>
struct stream_of
{
    using type = void;
};
template <>
struct stream_of<chat_request>
{
    using type = chat_stream;
};
template <>
struct stream_of<completion_request>
{
    using type = completion_stream;
};

/// Whether the answer to such a request is to come as a stream and be handed out whole.
template <class Request>
bool is_collected([[maybe_unused]] const call_options& options)
{
    return !std::is_void_v<typename stream_of<Request>::type> && options.as_stream;
}

/// Sends a request, in the form that the options ask for, and reads the whole answer. The request is encoded at once.
template <class Answer, class Request>
boost::asio::awaitable<Answer> ask(std::shared_ptr<client_state> client, const Request& request,
                                   call_options options, std::shared_ptr<admission> gate = nullptr)
{
    using stream = typename stream_of<Request>::type;
    auto plan = plan_of(*client, request, is_collected<Request>(options));
    if constexpr (!std::is_void_v<stream>)
    {
        if (options.as_stream)
        {
            return collect(open_stream<stream>(std::move(client), std::move(plan),
                                               std::move(options), std::move(gate)));
        }
    }
    return fetch<Answer>(std::move(client), std::move(plan), std::move(options), std::move(gate));
}

/// Sends a request for speech and returns when it begins.
boost::asio::awaitable<byte_stream> open_speech(std::shared_ptr<client_state> client,
                                                speech_request request, call_options options);

}  // namespace regolo::inline v0::detail
