#include "operations.hpp"

#include "core/codec.hpp"
#include "core/find_doubts.hpp"

#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>

namespace regolo::inline v0::detail {

namespace asio = boost::asio;

namespace {

result<net::outgoing_body> make_body(result<std::string> encoded)
{
    if (!encoded)
        return encoded.error();
    net::outgoing_body body;
    body.bytes = std::make_shared<const std::string>(std::move(*encoded));
    return body;
}

/// `extra` wins over the typed member.
template <class Request>
std::string model_of(const Request& request, const std::string& default_model)
{
    if (const auto* other = request.extra.if_contains("model"); other && other->is_string())
        return std::string(other->get_string());
    return request.model.empty() ? default_model : request.model;
}

template <class Request>
call_plan generation_plan(const client_state& client, const Request& request, bool stream)
{
    call_plan plan;
    plan.model = model_of(request, client.config.model);
    plan.body = make_body(core::encode(request, stream, client.config.model));
    plan.stream = stream;
    return plan;
}

/// For requests without a streaming form.
template <class Request>
call_plan plain_plan(std::string_view operation, const std::string& path, const Request& request,
                     const std::string& default_model)
{
    call_plan plan;
    plan.operation = operation;
    plan.path = path;
    plan.model = request.model.empty() ? default_model : request.model;
    plan.body = make_body(core::encode(request, default_model));
    return plan;
}

}  // namespace

call_plan plan_of(const client_state& client, const chat_request& request, bool stream)
{
    auto plan = generation_plan(client, request, stream);
    plan.operation = "chat";
    plan.path = client.config.paths.chat;
    return plan;
}

call_plan plan_of(const client_state& client, const completion_request& request, bool stream)
{
    auto plan = generation_plan(client, request, stream);
    plan.operation = "text_completion";
    plan.path = client.config.paths.completions;
    return plan;
}

call_plan plan_of(const client_state&, const api_request& request, bool stream)
{
    call_plan plan;
    plan.operation = "request";
    plan.method = request.method;
    plan.path = request.path;
    if (!request.body.empty())
        plan.body = make_body(request.body);
    plan.content_type = request.content_type;
    plan.stream = stream;
    return plan;
}

call_plan plan_of(const client_state& client, const embedding_request& request, bool)
{
    const auto& config = client.config;
    return plain_plan("embeddings", config.paths.embeddings, request, config.models.embedding);
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

namespace {

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

/// What an answer has of these.
template <class Answer>
call_outcome outcome_of(const Answer& answer)
{
    call_outcome outcome;
    if constexpr (requires { answer.finish_reason(); })
        outcome.finish_reason = answer.finish_reason();
    if constexpr (requires { answer.model; })
        outcome.model = answer.model;
    if constexpr (requires { answer.usage->total_tokens; })
        outcome.usage = answer.usage ? &*answer.usage : nullptr;
    return outcome;
}

/// The answer that has been read. @throws error  where it is none
template <class Answer>
Answer take_answer(call& running)
{
    auto read = read_answer<Answer>(running.body(), running.bounds());
    if (read)
        return std::move(*read);
    auto info = read.error();
    info.where = phase::body;
    info.sent = true;
    throw error(std::move(info));
}

/// Why an answer is refused that is whole and only looks good.
template <class Answer>
std::optional<error_info> find_refusal([[maybe_unused]] call& running,
                                       [[maybe_unused]] const Answer& answer)
{
    if constexpr (requires { answer.doubts(); })
    {
        const auto refused = running.fail_on();
        const auto& asked = running.metadata().model_asked;
        if (!refused)
            return std::nullopt;
        auto info =
            core::refuse_doubts(core::find_doubts(answer, asked), refused, asked, answer.model);
        if (info)
            info->partial_text = answer.text();
        return info;
    }
    return std::nullopt;
}

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
        throw error(running.fail(known.info(), {}));
    }
    catch (const std::bad_alloc&)
    {
        running.fail(make_info(make_error_code(boost::system::errc::not_enough_memory), ""), {});
        throw;
    }
    catch (...)
    {
        running.fail(make_info(errc::no_key, "no key: the credential's provider failed"), {});
        throw;
    }
}

}  // namespace

template <class Answer>
asio::awaitable<Answer> fetch(std::shared_ptr<client_state> client, call_plan plan,
                              call_options options, std::shared_ptr<admission> gate)
{
    const auto running =
        call::start(std::move(client), std::move(plan), std::move(options), std::move(gate));
    std::exception_ptr failure;
    try
    {
        co_await running->open(true);
        Answer answer = take_answer<Answer>(*running);
        for (auto refusal = find_refusal(*running, answer); refusal;
             refusal = find_refusal(*running, answer))
        {
            co_await running->reopen(*refusal);
            answer = take_answer<Answer>(*running);
        }
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

template <class Stream>
asio::awaitable<Stream> open_stream(std::shared_ptr<client_state> client, call_plan plan,
                                    call_options options, std::shared_ptr<admission> gate)
{
    const auto running =
        call::start(std::move(client), std::move(plan), std::move(options), std::move(gate));
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

using client_ptr = std::shared_ptr<client_state>;
using gate_ptr = std::shared_ptr<admission>;
template asio::awaitable<chat_response> fetch(client_ptr, call_plan, call_options, gate_ptr);
template asio::awaitable<completion_response> fetch(client_ptr, call_plan, call_options, gate_ptr);
template asio::awaitable<model_list> fetch(client_ptr, call_plan, call_options, gate_ptr);
template asio::awaitable<embedding_response> fetch(client_ptr, call_plan, call_options, gate_ptr);
template asio::awaitable<api_response> fetch(client_ptr, call_plan, call_options, gate_ptr);
template asio::awaitable<chat_stream> open_stream(client_ptr, call_plan, call_options, gate_ptr);
template asio::awaitable<completion_stream> open_stream(client_ptr, call_plan, call_options,
                                                        gate_ptr);
template asio::awaitable<event_stream> open_stream(client_ptr, call_plan, call_options, gate_ptr);

}  // namespace regolo::inline v0::detail
