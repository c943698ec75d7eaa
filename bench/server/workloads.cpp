#include "server/workloads.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <iomanip>
#include <numeric>
#include <sstream>
#include <utility>

namespace regolo::bench {

namespace {

using namespace std::chrono_literals;

constexpr int stream_chunks = 1000;
constexpr int paced_chunks = 250;  // five seconds of 50 tokens/s

// Tokens as models make them: a space in front, mostly short.
constexpr std::array<std::string_view, 16> tokens = {
    " the", " of",     "ing",  " model", ",",   " answers", " with",  " a",
    ".",    " stream", " and", "tion",   " is", " per",     " token", " to"};

std::string head_of(std::string_view type, std::string_view framing)
{
    std::string head = "HTTP/1.1 200 OK\r\nserver: uvicorn\r\ncontent-type: ";
    head.append(type).append("\r\nx-request-id: bench\r\n").append(framing).append("\r\n\r\n");
    return head;
}

std::string http_chunk(std::string_view body)
{
    std::ostringstream framed;
    framed << std::hex << body.size() << "\r\n" << body << "\r\n";
    return framed.str();
}

/// An event as LiteLLM sends it.
std::string event_of(std::string_view delta, std::string_view rest = "")
{
    std::string json =
        R"({"id":"chatcmpl-6f1c0b5a9d3e4f7f8a21c4d5e6f70819","created":1795360304,"model":"Llama-3.3-70B-Instruct",)"
        R"("object":"chat.completion.chunk","choices":[{"index":0,"delta":{)";
    json.append(delta).append("}");
    json.append(rest.empty() ? std::string_view(R"(,"finish_reason":null,"logprobs":null}]})")
                             : rest);
    return "data: " + json + "\n\n";
}

std::vector<std::string> framed(const std::vector<std::string>& events)
{
    std::vector<std::string> pieces;
    pieces.reserve(events.size() + 1);
    for (const auto& event : events)
        pieces.push_back(http_chunk(event));
    pieces.push_back(http_chunk("data: [DONE]\n\n") + "0\r\n\r\n");
    return pieces;
}

/// Chunks that differ from the one before them in more than one place: two answers in turn, log-probabilities, and texts with
/// escapes and letters outside ASCII.
std::vector<std::string> varied_events()
{
    std::vector<std::string> events;
    for (int i = 0; i != stream_chunks - 2; ++i)
    {
        const auto token = std::string(tokens[static_cast<std::size_t>(i) * 7 % tokens.size()]);
        const std::string text = i % 5 == 0   ? token + R"(\n)"
                                 : i % 5 == 1 ? token + R"(\"x\")"
                                 : i % 5 == 2 ? token + "\xC3\xA8"
                                              : token;
        auto event = event_of(R"("content":")" + text + '"',
                              R"(,"finish_reason":null,"logprobs":{"content":[{"token":")" + text +
                                  R"(","logprob":-0.)" + std::to_string(1000 + i * 7919 % 9000) +
                                  R"(,"bytes":null,"top_logprobs":[]}]}}]})");
        constexpr std::string_view index = R"("index":0)";
        if (i % 2 == 1)
            event.replace(event.find(index), index.size(), R"("index":1)");
        events.push_back(std::move(event));
    }
    for (const char choice : {'0', '1'})
    {
        auto event = event_of("", R"(,"finish_reason":"stop"}]})");
        event[event.find(R"("index":0)") + 8] = choice;
        events.push_back(std::move(event));
    }
    return events;
}

/// One tool call with 1 MiB of arguments, eight bytes at a time.
std::vector<std::string> tool_events()
{
    constexpr std::size_t arguments = std::size_t{1} << 20;
    constexpr std::size_t piece = 8;
    std::vector<std::string> events;
    events.reserve(arguments / piece + 2);
    events.push_back(event_of(
        R"("role":"assistant","tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"store","arguments":""}}])"));
    const auto add = [&](std::string_view text) {
        events.push_back(event_of(R"("tool_calls":[{"index":0,"function":{"arguments":")" +
                                  std::string(text) + "\"}}]"));
    };
    add(R"({\"key\":\")");
    for (std::size_t sent = 2 * piece; sent != arguments; sent += piece)
        add("abcdefgh");
    add(R"(abcdef\"})");
    events.push_back(event_of("", R"(,"finish_reason":"tool_calls"}]})"));
    return events;
}

std::string joined(const std::vector<std::string>& pieces)
{
    return std::accumulate(pieces.begin(), pieces.end(), std::string());
}

workload stream_of(std::string name, std::vector<std::string> pieces,
                   std::chrono::nanoseconds interval = {})
{
    return {std::move(name),
            head_of("text/event-stream; charset=utf-8", "transfer-encoding: chunked"),
            std::move(pieces), interval};
}

/// A stream without end; all chunks but the first tell when they were sent.
workload stamped(std::string name, std::chrono::nanoseconds interval)
{
    const std::string room(stamp_size, '0');
    const auto event = event_of(R"("content":")" + room + '"');
    auto made = stream_of(std::move(name), {http_chunk(event), http_chunk(event)}, interval);
    made.endless = true;
    made.stamp = made.pieces.back().find(room);
    return made;
}

workload whole(std::string name, std::string body, bool closes = false)
{
    std::string framing = "content-length: " + std::to_string(body.size());
    if (closes)
        framing += "\r\nconnection: close";
    auto head = head_of("application/json", framing);
    // as servers do: head and body in one write
    return {std::move(name), "", {std::move(head) + std::move(body)}, {}, closes};
}

std::string answer_of(std::size_t size)
{
    const std::string front =
        R"({"id":"chatcmpl-6f1c0b5a9d3e4f7f8a21c4d5e6f70819","created":1795360304,"model":"Llama-3.3-70B-Instruct",)"
        R"("object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":")";
    const std::string back =
        R"("},"finish_reason":"stop"}],"usage":{"prompt_tokens":12,"completion_tokens":99,"total_tokens":111}})";
    std::string text;
    for (std::size_t i = 0; front.size() + text.size() + back.size() < size; ++i)
        text += tokens[i * 7 % tokens.size()];
    text.resize(size - front.size() - back.size());
    return front + text + back;
}

std::string embeddings_of(std::size_t size)
{
    constexpr int dimensions = 1024;
    std::ostringstream body;
    body << R"({"object":"list","model":"gte-Qwen2","data":[)" << std::setprecision(9);
    std::uint32_t state = 1;
    for (int i = 0; static_cast<std::size_t>(body.tellp()) < size; ++i)
    {
        body << (i == 0 ? "" : ",") << R"({"object":"embedding","index":)" << i
             << R"(,"embedding":[)";
        for (int d = 0; d != dimensions; ++d)
        {
            state = state * 1664525 + 1013904223;
            body << (d == 0 ? "" : ",") << (static_cast<double>(state) / 2147483648.0 - 1.0);
        }
        body << "]}";
    }
    body << R"(],"usage":{"prompt_tokens":9,"total_tokens":9}})";
    return body.str();
}

}  // namespace

std::vector<std::string> chat_events(int chunks)
{
    std::vector<std::string> events;
    for (int i = 0; i != chunks - 1; ++i)
    {
        const auto token = tokens[static_cast<std::size_t>(i) * 7 % tokens.size()];
        const std::string role = i == 0 ? R"("role":"assistant",)" : "";
        events.push_back(event_of(role + R"("content":")" + std::string(token) + '"'));
    }
    events.push_back(event_of(
        "",
        R"(,"finish_reason":"stop"}],"usage":{"prompt_tokens":12,"completion_tokens":999,"total_tokens":1011}})"));
    return events;
}

std::vector<workload> make_workloads()
{
    const auto chat = framed(chat_events(stream_chunks));
    return {
        stream_of("bulk", {joined(chat)}),
        stream_of("varied", {joined(framed(varied_events()))}),
        stream_of("trickle", chat),
        stream_of("paced", framed(chat_events(paced_chunks)), 20ms),
        stamped("stamped_2500us", 2500us),
        stamped("stamped_20ms", 20ms),
        stamped("stamped_50ms", 50ms),
        stamped("stamped_250ms", 250ms),
        stream_of("hold", chat, forever),
        whole("small", answer_of(700)),
        whole("close", answer_of(700), true),
        whole("large", answer_of(std::size_t{20} * 1024)),
        stream_of("tools", {joined(framed(tool_events()))}),
        whole("embeddings", embeddings_of(std::size_t{8} << 20)),
    };
}

}  // namespace regolo::bench
