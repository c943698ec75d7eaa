#include "faults/exchange_kinds.hpp"

#include <regolo/chat_accumulator.hpp>
#include <regolo/testing/script.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <numeric>
#include <stdexcept>
#include <utility>
#include <vector>

namespace regolo::test {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

// ---- what is done

asio::awaitable<std::string> ask(const client& from, call_options options)
{
    const auto answer = co_await from.chat(chat_request("m", "hello"), options);
    co_return std::string(answer.text());
}

asio::awaitable<std::string> stream(const client& from, call_options options)
{
    auto stream = co_await from.stream_chat(chat_request("m", "hello"), options);
    std::string text;
    while (auto chunk = co_await stream.next())
        text += chunk->text();
    co_return text;
}

std::string in_any_order(std::vector<std::string> calls)
{
    std::sort(calls.begin(), calls.end());
    return std::accumulate(calls.begin(), calls.end(), std::string());
}

asio::awaitable<std::string> call_tools(const client& from, call_options options)
{
    auto stream = co_await from.stream_chat(chat_request("m", "weather?"), options);
    chat_accumulator whole;
    while (auto chunk = co_await stream.next())
        whole.add(*chunk).value();
    const auto answer = whole.take();
    std::vector<std::string> calls;
    for (const auto& call : answer.tool_calls())
        calls.push_back(call.name + "(" + call.arguments + ")");
    co_return in_any_order(calls);
}

constexpr std::string_view refusal = "temperature must be at most 2";

asio::awaitable<std::string> be_refused(const client& from, call_options options)
{
    try
    {
        const auto answer = co_await from.chat(chat_request("m", "hello"), options);
        co_return "an answer: " + std::string(answer.text());
    }
    catch (const error& failure)
    {
        if (failure.info().code != errc::bad_request || failure.info().server_message != refusal)
            throw;
    }
    co_return std::string(refusal);
}

asio::awaitable<std::string> send_file(const client& from, call_options options)
{
    // Above what goes out in one write, so that the answer is watched for meanwhile.
    const auto recording = upload::bytes(std::string(40000, 'a'), "speech.wav");
    const auto heard = co_await from.transcribe(transcription_request("m", recording), options);
    co_return heard.text;
}

asio::awaitable<std::string> fetch_file(const client& from, call_options options)
{
    auto stream = co_await from.stream_speech(speech_request("m", "hello", "alloy"), options);
    std::string whole;
    std::string piece;
    while (co_await stream.next(piece))
        whole += piece;
    co_return whole;
}

// ---- the same, read by hand

json::value parse(std::string_view text)
{
    json::parse_options lenient;
    lenient.allow_invalid_utf8 = true;
    return json::parse(json::string_view(text.data(), text.size()), {}, lenient);
}

/// Null where it is not there: names may be damaged.
json::value at(const json::value& object, const char* name)
{
    const auto* found = object.as_object().if_contains(name);
    return found == nullptr ? json::value() : *found;
}

std::string string_at(const json::value& object, const char* name)
{
    const auto found = object.is_null() ? json::value() : at(object, name);
    return found.is_null() ? "" : std::string(found.as_string());
}

/// What `name` is in the choice with the index 0, or null.
json::value in_first_choice(const json::value& answer, const char* name)
{
    const auto choices = at(answer, "choices");
    for (const auto& choice : choices.is_null() ? json::array() : choices.as_array())
    {
        const auto index = at(choice, "index");
        if (index.is_null() || index.to_number<int>() == 0)
            return at(choice, name);
    }
    return nullptr;
}

std::string literal_answer(std::string_view body)
{
    return string_at(in_first_choice(parse(body), "message"), "content");
}

/// The data of each event, for lines that end in LF.
std::vector<std::string> events_of(std::string_view body)
{
    std::vector<std::string> events;
    std::string data;
    while (!body.empty())
    {
        const auto end = body.find('\n');
        if (end == std::string_view::npos)
            break;
        const auto line = body.substr(0, end);
        body.remove_prefix(end + 1);
        if (line.starts_with("data: "))
            data += (data.empty() ? "" : "\n") + std::string(line.substr(6));
        if (line.empty() && !data.empty())
            events.push_back(std::exchange(data, {}));
    }
    return events;
}

std::vector<json::value> chunks_of(std::string_view body)
{
    std::vector<json::value> chunks;
    for (const auto& event : events_of(body))
    {
        if (event == "[DONE]")
            return chunks;
        chunks.push_back(parse(event));
    }
    throw std::runtime_error("no [DONE]");
}

std::string literal_stream(std::string_view body)
{
    std::string text;
    for (const auto& chunk : chunks_of(body))
        text += string_at(in_first_choice(chunk, "delta"), "content");
    return text;
}

std::string literal_calls(std::string_view body)
{
    // Told apart by index, else by id, else the last one goes on.
    std::vector<std::array<std::string, 3>> calls;  // key, name, arguments
    for (const auto& chunk : chunks_of(body))
    {
        const auto delta = in_first_choice(chunk, "delta");
        const auto parts = delta.is_null() ? delta : at(delta, "tool_calls");
        for (const auto& part : parts.is_null() ? json::array() : parts.as_array())
        {
            const auto index = at(part, "index");
            const auto key = index.is_null() ? string_at(part, "id") : json::serialize(index);
            auto call = std::find_if(calls.begin(), calls.end(),
                                     [&](const auto& known) { return known[0] == key; });
            if (call == calls.end() && (!key.empty() || calls.empty()))
                call = calls.insert(call, {key, "", ""});
            if (call == calls.end())
                --call;
            if ((*call)[1].empty())
                (*call)[1] = string_at(at(part, "function"), "name");
            (*call)[2] += string_at(at(part, "function"), "arguments");
        }
    }
    std::vector<std::string> texts;
    for (const auto& [key, name, arguments] : calls)
        texts.push_back(name + "(" + arguments + ")");
    return in_any_order(texts);
}

std::string literal_refusal(std::string_view body)
{
    return string_at(parse(body).at("error"), "message");
}

std::string literal_transcript(std::string_view body) { return string_at(parse(body), "text"); }

std::string literal_file(std::string_view body) { return std::string(body); }

// ---- the bytes of answers

std::string with_length(int status, std::string_view type, std::string_view body)
{
    return testing::http_head(status, "Content-Type: " + std::string(type) +
                                          "\r\nContent-Length: " + std::to_string(body.size())) +
           std::string(body);
}

std::string event_stream(const std::vector<std::string_view>& events)
{
    auto bytes =
        testing::http_head(200, "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked");
    for (const auto event : events)
        bytes += testing::http_chunk("data: " + std::string(event) + "\n\n");
    return bytes.append(testing::last_http_chunk());
}

std::string file_bytes()
{
    std::string bytes;
    for (int i = 0; i != 256; ++i)
        bytes += static_cast<char>(i);
    return bytes;
}

std::vector<exchange_kind> make_kinds()
{
    const auto json_type = "application/json";
    std::vector<exchange_kind> kinds;
    kinds.push_back(
        {"answer",
         with_length(200, json_type,
                     R"({"id":"c1","model":"m","choices":[{"index":0,"message":{"role":)"
                     R"("assistant","content":"Hello there."},"finish_reason":"stop"}]})"),
         &ask, "Hello there.", &literal_answer});
    kinds.push_back(
        {"stream",
         event_stream({R"({"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]})",
                       R"({"choices":[{"index":0,"delta":{"content":"Hello"}}]})",
                       R"({"choices":[{"index":0,"delta":{"content":" there."}}]})",
                       R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})", "[DONE]"}),
         &stream, "Hello there.", &literal_stream});
    kinds.push_back(
        {"tools",
         event_stream({R"({"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1",)"
                       R"("type":"function","function":{"name":"look","arguments":""}}]}}]})",
                       R"({"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":)"
                       R"({"arguments":"{\"at\":"}}]}}]})",
                       R"({"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":)"
                       R"({"arguments":"1}"}}]}}]})",
                       R"({"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]})",
                       "[DONE]"}),
         &call_tools, R"(look({"at":1}))", &literal_calls});
    kinds.push_back({"error",
                     with_length(400, json_type,
                                 R"({"error":{"message":")" + std::string(refusal) +
                                     R"(","type":"bad_request_error","code":"400"}})"),
                     &be_refused, std::string(refusal), &literal_refusal});
    kinds.push_back({"upload", with_length(200, json_type, R"({"text":"Good morning to you."})"),
                     &send_file, "Good morning to you.", &literal_transcript});
    kinds.push_back({"download", with_length(200, "audio/mpeg", file_bytes()), &fetch_file,
                     file_bytes(), &literal_file});
    return kinds;
}

// ---- HTTP

std::string lower(std::string_view text)
{
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

std::string header_of(std::string_view head, std::string_view name)
{
    const auto all = lower(head);
    const auto at = all.find("\r\n" + std::string(name) + ":");
    if (at == std::string::npos)
        return {};
    const auto begin = all.find_first_not_of(' ', at + name.size() + 3);
    return all.substr(begin, all.find("\r\n", begin) - begin);
}

std::size_t number_of(std::string_view text, int base)
{
    std::size_t value = 0;
    const auto* end = text.data() + text.size();
    const auto [rest, problem] = std::from_chars(text.data(), end, value, base);
    if (problem != std::errc() || rest != end)
        throw std::runtime_error("no number: " + std::string(text));
    return value;
}

std::string_view take(std::string_view& from, std::size_t size)
{
    if (size > from.size())
        throw std::runtime_error("cut");
    const auto taken = from.substr(0, size);
    from.remove_prefix(size);
    return taken;
}

std::string_view take_line(std::string_view& from)
{
    const auto end = from.find("\r\n");
    if (end == std::string_view::npos)
        throw std::runtime_error("no line end");
    const auto line = from.substr(0, end);
    from.remove_prefix(end + 2);
    return line;
}

std::string without_chunks(std::string_view bytes)
{
    std::string body;
    for (;;)
    {
        const auto size_line = take_line(bytes);
        const auto size = number_of(size_line.substr(0, size_line.find(';')), 16);
        if (size == 0)
            return body;
        body += take(bytes, size);
        if (!take_line(bytes).empty())
            throw std::runtime_error("no end of the chunk");
    }
}

}  // namespace

const std::vector<exchange_kind>& exchange_kinds()
{
    static const auto kinds = make_kinds();
    return kinds;
}

std::string read_literally(const exchange_kind& kind, std::string_view bytes)
{
    const auto end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos)
        throw std::runtime_error("no head");
    const auto head = bytes.substr(0, end + 2);
    auto body = bytes.substr(end + 4);
    if (header_of(head, "transfer-encoding") == "chunked")
        return kind.literal(without_chunks(body));
    const auto length = header_of(head, "content-length");
    return kind.literal(length.empty() ? body : take(body, number_of(length, 10)));
}

}  // namespace regolo::test
