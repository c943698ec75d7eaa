#include "soak/faulty_server.hpp"

#include "soak/task.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>

namespace regolo::soak {

namespace {

using namespace std::chrono_literals;

using testing::received_request;
using testing::script;

constexpr std::string_view json_type = "application/json";

std::string quoted(const std::string& text) { return '"' + text + '"'; }

/// What differs between the endpoints of generated text.
enum class shape
{
    chat,
    tool,
    completion,
};

shape shape_of(const received_request& request)
{
    if (request.path() == "/v1/completions")
        return shape::completion;
    return request.body.find(R"("tools":)") == std::string::npos ? shape::chat : shape::tool;
}

std::string whole_answer(shape kind, const task& asked)
{
    const auto text = quoted(asked.whole());
    std::string choice;
    switch (kind)
    {
        case shape::chat:
            choice = R"("message":{"role":"assistant","content":)" + text +
                     R"(},"finish_reason":"stop")";
            break;
        case shape::tool:
            choice = R"("message":{"role":"assistant","content":null,"tool_calls":[{"id":"call_1",)"
                     R"("type":"function","function":{"name":"note","arguments":)" +
                     text + R"(}}]},"finish_reason":"tool_calls")";
            break;
        case shape::completion:
            choice = R"("text":)" + text + R"(,"finish_reason":"stop")";
            break;
    }
    return R"({"id":"soak","object":"answer","created":1,"model":"soak","choices":[{"index":0,)" +
           choice + R"(}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}})";
}

std::string chunk_of(shape kind, const std::string& choice)
{
    const std::string object =
        kind == shape::completion ? "text_completion" : "chat.completion.chunk";
    return R"({"id":"soak","object":")" + object +
           R"(","created":1,"model":"soak","choices":[{"index":0,)" + choice + "}]}";
}

std::string chunk(shape kind, const task& asked, std::uint64_t index)
{
    const auto text = quoted(asked.piece(index));
    switch (kind)
    {
        case shape::tool:
            return chunk_of(
                kind, R"("delta":{"tool_calls":[{"index":0,)" +
                          std::string(index == 0 ? R"("id":"call_1","type":"function",)" : "") +
                          R"("function":{)" + (index == 0 ? R"("name":"note",)" : "") +
                          R"("arguments":)" + text + R"(}}]},"finish_reason":null)");
        case shape::completion:
            return chunk_of(kind, R"("text":)" + text + R"(,"finish_reason":null)");
        case shape::chat:
            break;
    }
    return chunk_of(kind, R"("delta":{"content":)" + text + R"(},"finish_reason":null)");
}

std::string last_chunk(shape kind)
{
    switch (kind)
    {
        case shape::tool:
            return chunk_of(kind, R"("delta":{},"finish_reason":"tool_calls")");
        case shape::completion:
            return chunk_of(kind, R"("text":"","finish_reason":"stop")");
        case shape::chat:
            break;
    }
    return chunk_of(kind, R"("delta":{},"finish_reason":"stop")");
}

script refusal(int status, std::string_view headers = {})
{
    return script().respond(
        status, json_type,
        R"({"error":{"message":"not now","type":"soak","code":")" + std::to_string(status) + "\"}}",
        headers);
}

/// How the rest of an answer goes that is not given to its end.
void break_off(script& answer, fault what)
{
    switch (what)
    {
        case fault::fin_within:
            answer.fin();
            break;
        case fault::rst_within:
            answer.rst();
            break;
        case fault::cut_tls_within:
            answer.cut_tls();
            break;
        case fault::garbage_below_tls:
            answer.send_raw("this is no TLS record, and nothing of HTTP");
            answer.fin();
            break;
        default:
            answer.stall();
            break;
    }
}

bool is_within(fault what)
{
    return what == fault::fin_within || what == fault::rst_within ||
           what == fault::cut_tls_within || what == fault::stall_within ||
           what == fault::garbage_below_tls;
}

/// The faults in whose place no work is done for the request.
bool is_free(fault what)
{
    switch (what)
    {
        case fault::fin_first:
        case fault::rst_first:
        case fault::status_429:
        case fault::status_500:
        case fault::status_503:
        case fault::error_frame:
        case fault::garbage:
            return true;
        default:
            return false;
    }
}

class server
{
public:
    server(const server_plan& plan, ledger& shared)
        : plan_(plan), shared_(shared), record_(shared.server(plan.index))
    {
        const auto life = mix(plan.seed, 1000 * record_.starts++ + plan.index);
        if (plan.restart_every != 0)
            last_request_ = plan.restart_every / 2 + life % plan.restart_every;
    }

    script answer(const received_request& request)
    {
        ++record_.requests;
        if (++requests_ == last_request_)
            ::kill(::getpid(), SIGKILL);
        const auto asked = last_task_in(request.method == "GET" ? request.target : request.body);
        if (!asked)
        {
            ++shared_.strays();
            return refusal(400);
        }
        auto& entry = shared_.at(asked->number);
        if (entry.number != asked->number)
            ++shared_.strays();
        const auto times = entry.received++;
        const auto what =
            plan_.faults ? draw_fault(mix(mix(plan_.seed, asked->number), times)) : fault::none;
        entry.faults |= bit(what);
        ++shared_.done(what);
        if (!is_free(what))
            ++entry.billed;
        return faulty(request, *asked, what);
    }

private:
    script faulty(const received_request& request, const task& asked, fault what)
    {
        const bool is_stream = request.body.find(R"("stream":true)") != std::string::npos;
        switch (what)
        {
            case fault::fin_first:
                return script().fin();
            case fault::rst_first:
                return script().rst();
            case fault::stall_first:
                return script().stall();
            case fault::status_429:
                return refusal(429, "retry-after-ms: 40");
            case fault::status_500:
                return refusal(500);
            case fault::status_503:
                return refusal(503, "retry-after: 0.1");
            case fault::error_frame:
                if (!is_stream)
                    return refusal(503);
                return script()
                    .start_stream()
                    .event(R"({"error":{"message":"the engine died","code":503}})")
                    .end_stream();
            case fault::garbage:
                return script().send("\x01\x02 this is not HTTP\r\n\r\n").fin();
            case fault::garbage_body:
                if (request.method == "GET")  // any bytes are a file
                    return right(request, asked, is_stream, what);
                return script().respond(200, json_type, "<html>");
            case fault::late:
                return script().pause(1500ms).then(right(request, asked, is_stream, what));
            default:
                return right(request, asked, is_stream, what);
        }
    }

    /// The answer that was asked for, at least its beginning.
    script right(const received_request& request, const task& asked, bool is_stream, fault what)
    {
        script answer;
        if (is_stream)
            answer = stream(shape_of(request), asked, what);
        else if (request.method == "GET")
            answer = download(asked, what);
        else
            answer = whole(request, asked, what);
        if (is_within(what))
            break_off(answer, what);
        else if (what == fault::close_after)
            answer.fin();
        return answer;
    }

    script stream(shape kind, const task& asked, fault what)
    {
        script answer;
        answer.start_stream();
        const auto end = is_within(what) ? asked.pieces / 2 : asked.pieces;
        answer.stream(
            [=, this, index = std::uint64_t{0}](std::string& piece) mutable {
                if (index == end)
                    return false;
                piece = testing::http_chunk("data: " + chunk(kind, asked, index++) + "\n\n");
                ++record_.pieces;
                return true;
            },
            std::chrono::milliseconds(asked.interval));
        if (!is_within(what))
        {
            const std::string rest =
                testing::http_chunk("data: " + last_chunk(kind) + "\n\ndata: [DONE]\n\n") +
                std::string(testing::last_http_chunk());
            answer.send_pieces(rest, what == fault::shredded ? 3 : rest.size());
        }
        return answer;
    }

    script download(const task& asked, fault what)
    {
        const auto size = asked.whole().size();
        script answer;
        answer.send(testing::http_head(200,
                                       "content-type: application/octet-stream\r\n"
                                       "content-length: " +
                                           std::to_string(size)));
        const auto end = is_within(what) ? asked.pieces / 2 : asked.pieces;
        answer.stream([=, this, index = std::uint64_t{0}](std::string& piece) mutable {
            if (index == end)
                return false;
            piece = asked.piece(index++);
            ++record_.pieces;
            return true;
        });
        return answer;
    }

    static script whole(const received_request& request, const task& asked, fault what)
    {
        const auto body =
            request.path() == "/v1/audio/transcriptions"
                ? R"({"text":")" + std::to_string(asked.number) + ' ' +
                      std::to_string(std::count(request.body.begin(), request.body.end(), '\x01')) +
                      "\"}"
                : whole_answer(shape_of(request), asked);
        const std::string all =
            testing::http_head(200, "content-type: application/json\r\ncontent-length: " +
                                        std::to_string(body.size())) +
            body;
        if (is_within(what))
            return script().send(all.substr(0, all.size() - body.size() / 2));
        return script().send_pieces(all, what == fault::shredded ? 7 : all.size());
    }

    const server_plan plan_;
    ledger& shared_;
    server_record& record_;
    std::uint64_t requests_ = 0;
    std::uint64_t last_request_ = 0;
};

}  // namespace

void serve(const server_plan& plan, ledger& shared)
{
    server state(plan, shared);
    testing::server_options options;
    options.tls = plan.tls;
    options.port = plan.port;
    options.authority = plan.authority;
    options.kept_requests = 0;
    options.idle_limit = 5000ms;
    options.send_buffer = plan.small_buffers ? 8 * 1024 : 0;
    options.handler = [&state](const received_request& request) { return state.answer(request); };
    const testing::test_server listening(options);
    for (;;)
        ::pause();
}

}  // namespace regolo::soak
