#include "client_state.hpp"
#include "core/http_message.hpp"
#include "operations.hpp"

#include <regolo/client.hpp>

#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

namespace regolo::inline v0 {

namespace asio = boost::asio;

namespace detail {

namespace {

using state_ptr = std::shared_ptr<client_state>;

// The requests are encoded when the operation is awaited, as everything of it: operations are lazy.
template <class Answer, class Request>
asio::awaitable<Answer> collect_for(state_ptr client, Request request, call_options options)
{
    co_return co_await ask<Answer>(std::move(client), request, std::move(options));
}

template <class Answer, class Request>
asio::awaitable<Answer> fetch_for(state_ptr client, Request request, call_options options)
{
    if constexpr (!std::is_void_v<typename stream_of<Request>::type>)
    {
        if (options.as_stream)
            return collect_for<Answer>(std::move(client), std::move(request), std::move(options));
    }
    return fetch<Answer>(std::move(client), std::move(request), std::move(options));
}

template <class Stream, class Request>
asio::awaitable<Stream> stream_for(state_ptr client, Request request, call_options options)
{
    auto plan = plan_of(*client, request, true);
    co_return co_await open_stream<Stream>(std::move(client), std::move(plan), std::move(options));
}

asio::awaitable<transcript> fetch_transcript(state_ptr client, transcription_request request,
                                             call_options options, transcription_task task)
{
    auto plan = transcription_plan(*client, request, task);
    co_return co_await fetch<transcript>(std::move(client), std::move(plan), std::move(options));
}

asio::awaitable<transcript_stream> open_transcription(state_ptr client,
                                                      transcription_request request,
                                                      call_options options)
{
    auto plan = transcription_plan(*client, request, transcription_task::stream);
    co_return co_await open_stream<transcript_stream>(std::move(client), std::move(plan),
                                                      std::move(options));
}

asio::awaitable<byte_stream> open_download(state_ptr client, api_request request,
                                           call_options options)
{
    auto plan = plan_of(*client, request, true);
    plan.accept = "*/*";
    co_return co_await open_stream<byte_stream>(std::move(client), std::move(plan),
                                                std::move(options));
}

void add_dates(date_range days, call_options& options)
{
    if (!days.start_date.empty())
        options.query.emplace_back("start_date", std::move(days.start_date));
    if (!days.end_date.empty())
        options.query.emplace_back("end_date", std::move(days.end_date));
}

request_preview preview_of(const client_state& client, const call_plan& plan,
                           const call_options& options)
{
    const auto call_id = options.call_id.empty() ? client.make_call_id() : options.call_id;
    auto ready = prepare(client, plan, options, call_id);
    // Refuses what a call would refuse.
    static_cast<void>(core::encode_head(ready.message, ready.url.origin, {}).value());
    request_preview shown;
    shown.method = ready.message.method;
    shown.url = core::to_string(ready.url.origin) + ready.message.target;
    for (const auto& field : ready.message.headers)
    {
        shown.headers.emplace_back(field.name,
                                   core::is_secret_field(field.name) ? "***" : field.value);
    }
    if (ready.key && !find_header(shown.headers, "Authorization"))
    {
        shown.headers.emplace_back("Authorization", "Bearer ***");
    }
    if (ready.body.bytes)
        shown.body = *ready.body.bytes;
    return shown;
}

}  // namespace

}  // namespace detail

client::client(asio::any_io_executor executor, client_config config, const char*)
    : state_(detail::client_state::make(std::move(executor), std::move(config)))
{}

client::client(std::shared_ptr<detail::client_state> state) noexcept : state_(std::move(state)) {}

client::~client()
{
    if (state_)
        state_->retire();
}

client::client(client&&) noexcept = default;

client& client::operator=(client&& other) noexcept
{
    if (this != &other)
    {
        if (state_)
            state_->retire();
        state_ = std::move(other.state_);
    }
    return *this;
}

asio::awaitable<chat_response> client::chat(chat_request request, call_options options) const
{
    return detail::fetch_for<chat_response>(state_, std::move(request), std::move(options));
}

asio::awaitable<chat_stream> client::stream_chat(chat_request request, call_options options) const
{
    return detail::stream_for<chat_stream>(state_, std::move(request), std::move(options));
}

asio::awaitable<completion_response> client::complete(completion_request request,
                                                      call_options options) const
{
    return detail::fetch_for<completion_response>(state_, std::move(request), std::move(options));
}

asio::awaitable<completion_stream> client::stream_completion(completion_request request,
                                                             call_options options) const
{
    return detail::stream_for<completion_stream>(state_, std::move(request), std::move(options));
}

asio::awaitable<embedding_response> client::embed(embedding_request request,
                                                  call_options options) const
{
    return detail::fetch_for<embedding_response>(state_, std::move(request), std::move(options));
}

asio::awaitable<speech_response> client::speak(speech_request request, call_options options) const
{
    return detail::fetch_for<speech_response>(state_, std::move(request), std::move(options));
}

asio::awaitable<byte_stream> client::stream_speech(speech_request request,
                                                   call_options options) const
{
    return detail::open_speech(state_, std::move(request), std::move(options));
}

asio::awaitable<transcript> client::transcribe(transcription_request request,
                                               call_options options) const
{
    return detail::fetch_transcript(state_, std::move(request), std::move(options),
                                    detail::transcription_task::transcribe);
}

asio::awaitable<transcript_stream> client::stream_transcription(transcription_request request,
                                                                call_options options) const
{
    return detail::open_transcription(state_, std::move(request), std::move(options));
}

asio::awaitable<transcript> client::translate(transcription_request request,
                                              call_options options) const
{
    return detail::fetch_transcript(state_, std::move(request), std::move(options),
                                    detail::transcription_task::translate);
}

asio::awaitable<image_response> client::generate_images(image_request request,
                                                        call_options options) const
{
    return detail::fetch_for<image_response>(state_, std::move(request), std::move(options));
}

asio::awaitable<rerank_response> client::rerank(rerank_request request, call_options options) const
{
    return detail::fetch_for<rerank_response>(state_, std::move(request), std::move(options));
}

asio::awaitable<model_list> client::models(call_options options) const
{
    return detail::fetch<model_list>(state_, detail::models_plan(), std::move(options));
}

asio::awaitable<model_info_list> client::model_info(call_options options) const
{
    auto plan = detail::plan_of_get("model_info", "/v1/model/info");
    return detail::fetch<model_info_list>(state_, std::move(plan), std::move(options));
}

asio::awaitable<model_group_list> client::model_groups(call_options options) const
{
    return detail::fetch<model_group_list>(state_, detail::model_groups_plan(), std::move(options));
}

asio::awaitable<regolo::supported_parameters> client::supported_parameters(
    std::string model, call_options options) const
{
    auto plan = detail::supported_parameters_plan(*state_, std::move(model), options);
    return detail::fetch<regolo::supported_parameters>(state_, std::move(plan), std::move(options));
}

asio::awaitable<token_count> client::count_tokens(token_count_request request,
                                                  call_options options) const
{
    return detail::fetch_for<token_count>(state_, std::move(request), std::move(options));
}

asio::awaitable<regolo::key_info> client::key_info(call_options options) const
{
    auto plan = detail::plan_of_get("key_info", "/key/info");
    return detail::fetch<regolo::key_info>(state_, std::move(plan), std::move(options));
}

asio::awaitable<regolo::user_info> client::user_info(call_options options) const
{
    auto plan = detail::plan_of_get("user_info", "/user/info");
    return detail::fetch<regolo::user_info>(state_, std::move(plan), std::move(options));
}

asio::awaitable<regolo::activity> client::activity(date_range days, call_options options) const
{
    detail::add_dates(std::move(days), options);
    auto plan = detail::plan_of_get("activity", "/global/activity");
    return detail::fetch<regolo::activity>(state_, std::move(plan), std::move(options));
}

asio::awaitable<regolo::spend_logs> client::spend_logs(date_range days, call_options options) const
{
    detail::add_dates(std::move(days), options);
    auto plan = detail::plan_of_get("spend_logs", "/spend/logs/v2");
    return detail::fetch<regolo::spend_logs>(state_, std::move(plan), std::move(options));
}

asio::awaitable<api_response> client::request(api_request request, call_options options) const
{
    return detail::fetch_for<api_response>(state_, std::move(request), std::move(options));
}

asio::awaitable<event_stream> client::stream_request(api_request request,
                                                     call_options options) const
{
    return detail::stream_for<event_stream>(state_, std::move(request), std::move(options));
}

asio::awaitable<byte_stream> client::download(api_request request, call_options options) const
{
    return detail::open_download(state_, std::move(request), std::move(options));
}

request_preview client::preview(const chat_request& request, const call_options& options,
                                bool stream) const
{
    stream = stream || options.as_stream;
    return detail::preview_of(*state_, detail::plan_of(*state_, request, stream), options);
}

request_preview client::preview(const completion_request& request, const call_options& options,
                                bool stream) const
{
    stream = stream || options.as_stream;
    return detail::preview_of(*state_, detail::plan_of(*state_, request, stream), options);
}

request_preview client::preview(const api_request& request, const call_options& options) const
{
    return detail::preview_of(*state_, detail::plan_of(*state_, request, false), options);
}

request_preview client::preview(const embedding_request& request, const call_options& options) const
{
    return detail::preview_of(*state_, detail::plan_of(*state_, request, false), options);
}

request_preview client::preview(const image_request& request, const call_options& options) const
{
    return detail::preview_of(*state_, detail::plan_of(*state_, request, false), options);
}

request_preview client::preview(const speech_request& request, const call_options& options) const
{
    return detail::preview_of(*state_, detail::plan_of(*state_, request, false), options);
}

request_preview client::preview(const rerank_request& request, const call_options& options) const
{
    return detail::preview_of(*state_, detail::plan_of(*state_, request, false), options);
}

request_preview client::preview(const token_count_request& request,
                                const call_options& options) const
{
    return detail::preview_of(*state_, detail::plan_of(*state_, request, false), options);
}

client_stats client::stats() const { return state_->stats(); }

void client::close() const noexcept { state_->close(); }

asio::awaitable<bool> client::drain(std::chrono::nanoseconds limit) const
{
    return detail::client_state::drain(state_, limit);
}

asio::any_io_executor client::get_executor() const noexcept { return state_->executor; }

}  // namespace regolo::inline v0
