#include "call.hpp"
#include "client_state.hpp"
#include "core/codec.hpp"
#include "core/http_message.hpp"
#include "stream_state.hpp"

#include <regolo/client.hpp>

#include <exception>
#include <new>
#include <utility>

namespace regolo::inline v0 {

namespace asio = boost::asio;

namespace detail {

namespace {

using state_ptr = std::shared_ptr<client_state>;

// The attempts of a call share its body.
result<std::shared_ptr<const std::string>> share(result<std::string> encoded)
{
    if (!encoded)
        return encoded.error();
    return std::make_shared<const std::string>(std::move(*encoded));
}

template <class Request>
call_plan generation_plan(const client_state& client, const Request& request, bool stream)
{
    call_plan plan;
    plan.model = request.model.empty() ? client.config.model : request.model;
    plan.body = share(core::encode(request, stream, client.config.model));
    plan.stream = stream;
    return plan;
}

call_plan plan_of(const client_state& client, const chat_request& request, bool stream)
{
    auto plan = generation_plan(client, request, stream);
    plan.operation = "chat";
    plan.path = "/v1/chat/completions";
    return plan;
}

call_plan plan_of(const client_state& client, const completion_request& request, bool stream)
{
    auto plan = generation_plan(client, request, stream);
    plan.operation = "text_completion";
    plan.path = "/v1/completions";
    return plan;
}

call_plan plan_of(const client_state&, const api_request& request, bool stream)
{
    call_plan plan;
    plan.operation = "request";
    plan.method = request.method;
    plan.path = request.path;
    if (!request.body.empty())
        plan.body = std::make_shared<const std::string>(request.body);
    plan.content_type = request.content_type;
    plan.stream = stream;
    return plan;
}

call_plan models_plan()
{
    call_plan plan;
    plan.operation = "models";
    plan.method = "GET";
    plan.path = "/v1/models";
    plan.needs_key = false;  // the gateway lists them to anybody
    return plan;
}

/// Turns the body of a success into what the operation returns.
template <class Answer>
result<Answer> read_answer(std::string& body, const limits& bounds)
{
    return core::decode<Answer>(body, bounds);
}

template <>
result<api_response> read_answer(std::string& body, const limits&)
{
    api_response answer;
    answer.body = std::move(body);
    return answer;
}

call_outcome outcome_of(const chat_response& answer)
{
    return {answer.finish_reason(), answer.model, answer.usage ? &*answer.usage : nullptr};
}

call_outcome outcome_of(const completion_response& answer)
{
    return {answer.finish_reason(), answer.model, answer.usage ? &*answer.usage : nullptr};
}

call_outcome outcome_of(const model_list&) { return {}; }
call_outcome outcome_of(const api_response&) { return {}; }

error_info make_info(boost::system::error_code code, const char* message)
{
    error_info info;
    info.code = code;
    info.message = message;
    return info;
}

/// Ends the call with what went wrong, and throws it on: with the ids of the call, or, where a credential's provider
/// has thrown something of its own, that.
[[noreturn]] void end_with(call& running, std::exception_ptr failure)
{
    try
    {
        std::rethrow_exception(std::move(failure));
    }
    catch (const error& known)
    {
        throw error(running.fail(known.info()));
    }
    catch (const std::bad_alloc&)
    {
        running.fail(make_info(make_error_code(boost::system::errc::not_enough_memory), ""));
        throw;
    }
    catch (...)
    {
        running.fail(make_info(errc::no_key, "no key: the credential's provider failed"));
        throw;
    }
}

/// Sends a request and reads the whole answer.
template <class Answer>
asio::awaitable<Answer> fetch(state_ptr client, call_plan plan, call_options options)
{
    const auto running = call::start(std::move(client), std::move(plan), std::move(options));
    std::exception_ptr failure;
    try
    {
        co_await running->open(true);
        auto read = read_answer<Answer>(running->body(), running->bounds());
        if (!read)
        {
            auto info = read.error();
            info.where = phase::body;
            info.sent = true;
            throw error(std::move(info));
        }
        Answer answer = std::move(*read);
        running->succeed(outcome_of(answer));
        answer.metadata = std::move(running->metadata());
        co_return answer;
    }
    catch (...)
    {
        failure = std::current_exception();
    }
    end_with(*running, std::move(failure));
}

/// Sends a request and returns with the head of a success.
template <class Stream>
asio::awaitable<Stream> open_stream(state_ptr client, call_plan plan, call_options options)
{
    const auto running = call::start(std::move(client), std::move(plan), std::move(options));
    std::exception_ptr failure;
    try
    {
        co_await running->open(false);
        co_return stream_access::make<Stream>(running);
    }
    catch (...)
    {
        failure = std::current_exception();
    }
    end_with(*running, std::move(failure));
}

// The requests are encoded when the operation is awaited, as everything of it: operations are lazy.
template <class Answer, class Request>
asio::awaitable<Answer> fetch_for(state_ptr client, Request request, call_options options)
{
    auto plan = plan_of(*client, request, false);
    co_return co_await fetch<Answer>(std::move(client), std::move(plan), std::move(options));
}

template <class Stream, class Request>
asio::awaitable<Stream> stream_for(state_ptr client, Request request, call_options options)
{
    auto plan = plan_of(*client, request, true);
    co_return co_await open_stream<Stream>(std::move(client), std::move(plan), std::move(options));
}

bool is_secret_field(std::string_view name)
{
    for (const auto* secret : {"Authorization", "api-key", "x-api-key", "x-goog-api-key", "Cookie",
                               "Proxy-Authorization"})
    {
        if (core::iequals(name, secret))
            return true;
    }
    return false;
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
    shown.headers = std::move(ready.message.headers);
    for (auto& field : shown.headers)
    {
        if (is_secret_field(field.name))
            field.value = "***";
    }
    if (ready.key && !find_header(shown.headers, "Authorization"))
    {
        shown.headers.emplace_back("Authorization", "Bearer ***");
    }
    if (ready.message.body)
        shown.body = *ready.message.body;
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

asio::awaitable<model_list> client::models(call_options options) const
{
    return detail::fetch<model_list>(state_, detail::models_plan(), std::move(options));
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

request_preview client::preview(const chat_request& request, const call_options& options,
                                bool stream) const
{
    return detail::preview_of(*state_, detail::plan_of(*state_, request, stream), options);
}

request_preview client::preview(const completion_request& request, const call_options& options,
                                bool stream) const
{
    return detail::preview_of(*state_, detail::plan_of(*state_, request, stream), options);
}

request_preview client::preview(const api_request& request, const call_options& options) const
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
