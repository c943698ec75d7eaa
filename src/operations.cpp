#include "operations.hpp"

#include "check_model.hpp"
#include "core/codec.hpp"
#include "core/find_doubts.hpp"
#include "core/http_message.hpp"
#include "core/kept_failure.hpp"
#include "core/media_answer.hpp"
#include "core/transcript_codec.hpp"

#include <exception>
#include <memory>
#include <new>
#include <string>
#include <utility>

namespace regolo::inline v0::detail {

namespace asio = boost::asio;

namespace {

std::string media_type_of(const metadata& head)
{
    return core::media_type(head.find("content-type").value_or(std::string_view()));
}

/// Turns the body of a success into what the operation returns.
template <class Answer>
result<Answer> read_answer(std::string& body, const metadata&, const limits& bounds)
{
    return core::decode<Answer>(body, bounds);
}

template <>
result<api_response> read_answer(std::string& body, const metadata&, const limits&)
{
    api_response answer;
    answer.body = std::move(body);
    return answer;
}

template <>
result<transcript> read_answer(std::string& body, const metadata& head, const limits& bounds)
{
    return core::decode_transcript(body, media_type_of(head), bounds);
}

template <>
result<speech_response> read_answer(std::string& body, const metadata& head, const limits& bounds)
{
    if (core::is_no_media(body, media_type_of(head)))
        return core::decode_no_media(body, bounds);
    speech_response answer;
    answer.audio = std::move(body);
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

error_info found_in_body(error_info info)
{
    info.where = phase::body;
    info.sent = true;
    return info;
}

/// The answer that has been read. There is one: it stays in its `result` so that it is not moved. @throws error  where it is none
template <class Answer>
result<Answer> take_answer(call& running)
{
    auto read = read_answer<Answer>(running.body(), running.metadata(), running.bounds());
    if (!read)
        throw error(found_in_body(read.error()));
    return read;
}

/// What is asked for, encoded now.
template <class Request>
call_plan make_plan(const client_state& client, const Request& request)
{
    return plan_of(client, request, false);
}
call_plan make_plan(const client_state&, call_plan&& ready) { return std::move(ready); }

/// Why an answer is refused that is whole and only looks good.
template <class Answer>
core::kept_failure find_refusal([[maybe_unused]] call& running,
                                [[maybe_unused]] const Answer& answer)
{
    if constexpr (requires { answer.doubts(); })
    {
        const auto refused = running.fail_on();
        const auto& asked = running.metadata().model_asked;
        if (!refused)
            return {};
        auto info =
            core::refuse_doubts(core::find_doubts(answer, asked), refused, asked, answer.model);
        if (!info)
            return {};
        info->partial_text = answer.text();
        return *std::move(info);
    }
    return {};
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
    catch (const boost::system::system_error& cancelled)
    {
        throw error(running.fail(make_info(cancelled.code(), "cancelled"), {}));
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

template <class Answer, class Request>
asio::awaitable<Answer> fetch(std::shared_ptr<client_state> client, Request request,
                              call_options options, std::shared_ptr<admission> gate)
{
    auto plan = make_plan(*client, std::move(request));
    if (has_to_check_model(*client, plan, options))
        co_await check_model(client, plan.model, options);
    const bool keep_body = options.keep_body;
    const auto running =
        call::start(std::move(client), std::move(plan), std::move(options), std::move(gate));
    const auto here = co_await asio::this_coro::executor;
    std::exception_ptr failure;
    try
    {
        co_await running->open(here, true);
        std::string kept = keep_body ? running->body() : std::string();
        auto answer = take_answer<Answer>(*running);
        for (auto refusal = find_refusal(*running, *answer); refusal;
             refusal = find_refusal(*running, *answer))
        {
            co_await running->reopen(*refusal);
            kept = keep_body ? running->body() : std::string();
            answer = take_answer<Answer>(*running);
        }
        running->succeed(outcome_of(*answer));
        answer->metadata = std::move(running->metadata());
        answer->metadata.body = std::move(kept);
        co_return *std::move(answer);
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
    if (has_to_check_model(*client, plan, options))
        co_await check_model(client, plan.model, options);
    const auto running =
        call::start(std::move(client), std::move(plan), std::move(options), std::move(gate));
    const auto here = co_await asio::this_coro::executor;
    std::exception_ptr failure;
    try
    {
        co_await running->open(here, false);
        co_return stream_access::make<Stream>(running);
    }
    catch (...)
    {
        failure = std::current_exception();
    }
    end_with(*running, std::move(failure));
}

// An error under a success comes as JSON or text, where speech has a type of its own.
asio::awaitable<byte_stream> open_speech(std::shared_ptr<client_state> client,
                                         speech_request request, call_options options)
{
    auto plan = plan_of(*client, request, true);
    const auto bounds = client->config.limits;
    auto stream =
        co_await open_stream<byte_stream>(std::move(client), std::move(plan), std::move(options));
    if (!core::is_no_media("?", media_type_of(stream.metadata())))
    {
        stream_access::state_of(stream)->refuses_empty = true;
        co_return stream;
    }
    std::string text;
    std::string piece;
    while (text.size() < bounds.error_body)
    {
        const bool more = co_await stream.next(piece);
        if (!more)
            break;
        text += piece;
    }
    auto info = found_in_body(core::decode_no_media(text, bounds));
    throw error(stream_access::state_of(stream)->settle(info));
}

using client_ptr = std::shared_ptr<client_state>;
using gate_ptr = std::shared_ptr<admission>;
template asio::awaitable<chat_response> fetch(client_ptr, call_plan, call_options, gate_ptr);
template asio::awaitable<completion_response> fetch(client_ptr, call_plan, call_options, gate_ptr);
template asio::awaitable<model_list> fetch(client_ptr, call_plan, call_options, gate_ptr);
template asio::awaitable<embedding_response> fetch(client_ptr, call_plan, call_options, gate_ptr);
template asio::awaitable<transcript> fetch(client_ptr, call_plan, call_options, gate_ptr);
template asio::awaitable<image_response> fetch(client_ptr, call_plan, call_options, gate_ptr);
template asio::awaitable<rerank_response> fetch(client_ptr, call_plan, call_options, gate_ptr);
template asio::awaitable<key_info> fetch(client_ptr, call_plan, call_options, gate_ptr);
template asio::awaitable<user_info> fetch(client_ptr, call_plan, call_options, gate_ptr);
template asio::awaitable<activity> fetch(client_ptr, call_plan, call_options, gate_ptr);
template asio::awaitable<spend_logs> fetch(client_ptr, call_plan, call_options, gate_ptr);
template asio::awaitable<model_info_list> fetch(client_ptr, call_plan, call_options, gate_ptr);
template asio::awaitable<model_group_list> fetch(client_ptr, call_plan, call_options, gate_ptr);
template asio::awaitable<supported_parameters> fetch(client_ptr, call_plan, call_options, gate_ptr);
template asio::awaitable<api_response> fetch(client_ptr, call_plan, call_options, gate_ptr);
template asio::awaitable<chat_response> fetch(client_ptr, chat_request, call_options, gate_ptr);
template asio::awaitable<completion_response> fetch(client_ptr, completion_request, call_options,
                                                    gate_ptr);
template asio::awaitable<embedding_response> fetch(client_ptr, embedding_request, call_options,
                                                   gate_ptr);
template asio::awaitable<speech_response> fetch(client_ptr, speech_request, call_options, gate_ptr);
template asio::awaitable<image_response> fetch(client_ptr, image_request, call_options, gate_ptr);
template asio::awaitable<rerank_response> fetch(client_ptr, rerank_request, call_options, gate_ptr);
template asio::awaitable<token_count> fetch(client_ptr, token_count_request, call_options,
                                            gate_ptr);
template asio::awaitable<api_response> fetch(client_ptr, api_request, call_options, gate_ptr);
template asio::awaitable<byte_stream> open_stream(client_ptr, call_plan, call_options, gate_ptr);
template asio::awaitable<chat_stream> open_stream(client_ptr, call_plan, call_options, gate_ptr);
template asio::awaitable<completion_stream> open_stream(client_ptr, call_plan, call_options,
                                                        gate_ptr);
template asio::awaitable<transcript_stream> open_stream(client_ptr, call_plan, call_options,
                                                        gate_ptr);
template asio::awaitable<event_stream> open_stream(client_ptr, call_plan, call_options, gate_ptr);

}  // namespace regolo::inline v0::detail
