// What a caller puts in arrives at the server, what the server tells arrives at the caller.

#include <regolo.hpp>
#include <regolo/testing/run.hpp>
#include <regolo/testing/test_server.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/json.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace asio = boost::asio;
namespace json = boost::json;

namespace regolo::test {

using namespace regolo::testing;

namespace {

using namespace std::chrono_literals;

// An answer with members that nobody knows on every level.
constexpr std::string_view odd_message = R"({
  "role": "assistant",
  "content": null,
  "x_message": {"deep": [1, 2.5, null, "\ud83d\ude00"]},
  "x_null": null,
  "tool_calls": [
    {"id": "call_1", "type": "function", "x_call": true,
     "function": {"name": "weather", "arguments": "{\"city\": \"Rome\",  \"n\": 1e2}", "x_function": []}},
    {"id": "call_2", "type": "function", "x_call": {"a": 1},
     "function": {"name": "broken", "arguments": "{\"city\": "}},
    {"id": "call_3", "type": "custom", "custom": {"name": "sql", "input": "select 1"}}]
})";

json::object message_json() { return json::parse(odd_message).as_object(); }

json::object thoughtful_json()
{
    auto message = message_json();
    message["reasoning_content"] = "It may rain.";
    message["refusal"] = "I would rather not.";
    message["annotations"] = json::array{json::object{{"type", "url_citation"}, {"x", 1}}};
    return message;
}

std::string answer_with(const json::object& message)
{
    return json::serialize(json::object{
        {"id", "c-1"},
        {"object", "chat.completion"},
        {"model", "served-model"},
        {"choices",
         json::array{json::object{
             {"index", 0}, {"message", message}, {"finish_reason", "tool_calls"}, {"x", 1}}}},
        {"usage", {{"prompt_tokens", 1}, {"completion_tokens", 2}, {"total_tokens", 3}}}});
}

script respond_with(const json::object& message)
{
    return script().expect_request().respond(200, "application/json", answer_with(message));
}

class Echo : public ::testing::TestWithParam<bool>
{
protected:
    Echo() : server_(GetParam() ? server_options::https() : server_options::plain())
    {
        config_.base_url = server_.url();
        config_.key = "test-key";
        config_.tls.ca_pem = server_.ca_pem();
        config_.retry.initial_delay = 1ms;
    }

    /// The body of the last request.
    [[nodiscard]] json::object received() const
    {
        return json::parse(server_.requests().back().body).as_object();
    }
    /// The message at that place of the last request.
    [[nodiscard]] json::value message(std::size_t at) const
    {
        return received().at("messages").as_array().at(at);
    }

    test_server server_;
    client_config config_;
};

// ---- messages

asio::awaitable<void> go_on(client_config config, echo_options echo)
{
    const client api(co_await asio::this_coro::executor, std::move(config));
    chat_request request("sim-chat", "What is the weather?");
    request.echo = echo;
    const auto answer = co_await api.chat(request);
    EXPECT_EQ(answer.tool_calls().size(), 3U);
    request.add(answer.message()).tool_result("call_1", "21 degrees");
    co_await api.chat(request);
}

TEST_P(Echo, AMessageGoesOutAsItCame)
{
    server_.enqueue(respond_with(message_json()));
    run(go_on(config_, {}));
    EXPECT_EQ(message(0), (json::value{{"role", "user"}, {"content", "What is the weather?"}}));
    EXPECT_EQ(message(1), json::value(message_json()));
    EXPECT_EQ(
        message(2),
        (json::value{{"role", "tool"}, {"content", "21 degrees"}, {"tool_call_id", "call_1"}}));
}

TEST_P(Echo, ThoughtsStayBehindUnlessAskedFor)
{
    server_.enqueue(respond_with(thoughtful_json()));
    run(go_on(config_, {}));
    EXPECT_EQ(message(1), json::value(message_json()));

    server_.enqueue(respond_with(thoughtful_json()));
    run(go_on(config_, {true, true, true}));
    EXPECT_EQ(message(1), json::value(thoughtful_json()));

    server_.enqueue(respond_with(thoughtful_json()));
    run(go_on(config_, {true, false, false}));
    auto reasoning = message_json();
    reasoning["reasoning_content"] = "It may rain.";
    EXPECT_EQ(message(1), json::value(reasoning));
}

asio::awaitable<void> go_on_after_a_stream(client_config config)
{
    const client api(co_await asio::this_coro::executor, std::move(config));
    chat_request request("sim-chat", "What is the weather?");
    auto stream = co_await api.stream_chat(request);
    while (co_await stream.next())
    {}
    request.add(stream.partial().message());
    co_await api.chat(request);
}

TEST_P(Echo, AMessageOfAStreamGoesOutAsItCame)
{
    // Each piece of the message in a chunk of its own.
    const auto chunk = [](json::value delta) {
        return json::serialize(json::object{
            {"id", "c"},
            {"choices", json::array{json::object{{"index", 0}, {"delta", std::move(delta)}}}}});
    };
    server_.enqueue(
        script()
            .expect_request()
            .start_stream()
            .event(chunk({{"role", "assistant"}, {"content", nullptr}}))
            .event(chunk({{"x_message", {{"deep", 1}}}}))
            .event(chunk(json::parse(R"({"tool_calls":[{"index":0,"id":"call_1","type":"function",
                "x_call":true,"function":{"name":"weather","arguments":"","x_function":2}}]})")))
            .event(chunk(json::parse(
                R"({"tool_calls":[{"index":0,"function":{"arguments":"{\"city\":"}}]})")))
            .event(chunk(json::parse(
                R"({"tool_calls":[{"index":0,"function":{"arguments":" \"Rome\"}"}}]})")))
            .event(R"({"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]})")
            .event("[DONE]")
            .end_stream());
    run(go_on_after_a_stream(config_));
    EXPECT_EQ(message(1), json::parse(R"({"role":"assistant","content":null,
        "x_message":{"deep":1},
        "tool_calls":[{"id":"call_1","type":"function","x_call":true,
            "function":{"name":"weather","arguments":"{\"city\": \"Rome\"}","x_function":2}}]})"));
}

asio::awaitable<void> send(client_config config, chat_request request)
{
    const client api(co_await asio::this_coro::executor, std::move(config));
    co_await try_await(api.chat(std::move(request)));
}

TEST_P(Echo, ExtraMembersWin)
{
    chat_request request("sim-chat");
    request.user({content_part::text_part("What is this?"),
                  content_part::image_url("data:image/png;base64,AAAA")});
    request.messages[0].parts[0].extra["text"] = "Look!";
    request.messages[0].parts[0].extra["cache_control"] = {{"type", "ephemeral"}};
    request.messages[0].parts[1].payload_extra["detail"] = "low";
    request.messages[0].extra["name"] = nullptr;
    request.temperature = 0.5;
    request.max_tokens = 5;
    request.stop = {"a", "b"};
    request.extra["temperature"] = 1;
    request.extra["max_tokens"] = nullptr;
    request.extra["stop"] = json::array{};
    request.extra["guided"] = {{"regex", "a+"}};
    run(send(config_, request));
    EXPECT_EQ(json::value(received()), json::parse(R"({
        "model": "sim-chat",
        "messages": [{"role": "user", "name": null, "content": [
            {"type": "text", "text": "Look!", "cache_control": {"type": "ephemeral"}},
            {"type": "image_url",
             "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}}]}],
        "temperature": 1, "max_tokens": null, "stop": [], "guided": {"regex": "a+"}})"));
}

asio::awaitable<std::string> send_text(client_config config, std::string text)
{
    const client api(co_await asio::this_coro::executor, std::move(config));
    api_request by_view("PUT", "/v1/things", std::string_view(text));
    by_view.content_type = "text/csv";
    const auto answer = co_await api.request(by_view);
    api_request by_pointer("POST", "/v1/things", "a,b");
    co_await api.request(by_pointer);
    co_return answer.body;
}

TEST_P(Echo, TextGoesOutAsItIs)
{
    server_.on_request([](const received_request& request) {
        return script().respond(201, request.header("content-type"), request.body);
    });
    const std::string text("a,\0b\r\n\xff", 8);
    EXPECT_EQ(run(send_text(config_, text)), text);
    const auto requests = server_.requests();
    EXPECT_EQ(requests.at(0).method, "PUT");
    EXPECT_EQ(requests.at(0).body, text);
    EXPECT_EQ(requests.at(0).header("content-type"), "text/csv");
    EXPECT_EQ(requests.at(1).body, "a,b");
    EXPECT_EQ(requests.at(1).header("content-type"), "application/json");
}

// ---- metadata

constexpr std::string_view told =
    "x-request-id: r-77\r\n"
    "x-litellm-response-cost: 0.00125\r\n"
    "x-litellm-attempted-retries: 2\r\n"
    "x-litellm-attempted-fallbacks: 1\r\n"
    "x-ratelimit-limit-requests: 60\r\n"
    "x-ratelimit-remaining-requests: 59\r\n"
    "x-ratelimit-reset-requests: 1s\r\n"
    "x-ratelimit-remaining-tokens: None\r\n"
    "x-ratelimit-api_key-remaining-tokens: 1000\r\n"
    "llm_provider-x-ratelimit-remaining-requests: 7\r\n"
    "X-Odd: a: b \r\n";

void check_told(const metadata& data, int status)
{
    EXPECT_EQ(data.status, status);
    EXPECT_EQ(data.call_id, "my-id");
    EXPECT_EQ(data.request_id, "r-77");
    EXPECT_EQ(data.attempts, 2);
    EXPECT_EQ(data.cost, 0.00125);
    EXPECT_EQ(data.gateway_retries, 2);
    EXPECT_EQ(data.gateway_fallbacks, 1);
    EXPECT_EQ(data.find("x-odd"), "a: b");
    ASSERT_TRUE(data.rate_limits.requests);
    EXPECT_EQ(data.rate_limits.requests->limit, 60);
    EXPECT_EQ(data.rate_limits.requests->remaining, 59);
    EXPECT_EQ(data.rate_limits.requests->reset, "1s");
    EXPECT_FALSE(data.rate_limits.tokens && data.rate_limits.tokens->remaining);
    std::string others;
    for (const auto& limit : data.rate_limits.all)
        others += limit.name + '=' + std::to_string(limit.remaining.value_or(-1)) + ' ';
    for (const auto* name : {"requests=59 ", "api_key-tokens=1000 ", "llm_provider-requests=7 "})
        EXPECT_NE(others.find(name), std::string::npos) << others;
    EXPECT_TRUE(data.timings.send);
    EXPECT_TRUE(data.timings.head);
    EXPECT_FALSE(data.timings.queue) << "there was no wait";
}

call_options named()
{
    call_options options;
    options.call_id = "my-id";
    return options;
}

script busy() { return script().expect_request().respond(503, "text/plain", "busy"); }

asio::awaitable<void> look_at_answer(client_config config)
{
    const client api(co_await asio::this_coro::executor, std::move(config));
    const auto answer = co_await api.chat({"sim-chat", "Hi"}, named());
    check_told(answer.metadata, 200);
    EXPECT_EQ(answer.metadata.model, "served-model");
    EXPECT_TRUE(answer.metadata.reused_connection);
    EXPECT_FALSE(answer.metadata.timings.connect) << "of the first attempt only";
    EXPECT_GE(answer.metadata.timings.total, *answer.metadata.timings.head);
    const auto models = co_await api.models();
    EXPECT_EQ(models.metadata.attempts, 1);
    EXPECT_FALSE(models.metadata.cost);
    EXPECT_EQ(models.metadata.call_id.size(), 36U);
}

TEST_P(Echo, AnAnswerCarriesMetadata)
{
    server_.enqueue(busy());
    server_.enqueue(script().expect_request().respond(200, "application/json",
                                                      answer_with(message_json()), told));
    run(look_at_answer(config_));
    const auto requests = server_.requests();
    ASSERT_EQ(requests.size(), 3U);
    for (std::size_t i = 0; i != 2; ++i)
    {
        EXPECT_EQ(requests[i].header("x-litellm-call-id"), "my-id");
        EXPECT_EQ(requests[i].header("x-client-request-id"), "my-id");
        EXPECT_EQ(requests[i].body, requests[0].body);
    }
}

asio::awaitable<void> look_at_stream(client_config config)
{
    const client api(co_await asio::this_coro::executor, std::move(config));
    auto stream = co_await api.stream_chat({"sim-chat", "Hi"}, named());
    check_told(stream.metadata(), 200);
    EXPECT_FALSE(stream.metadata().timings.first_event);
    co_await stream.next();
    EXPECT_TRUE(stream.metadata().timings.first_event);
    EXPECT_FALSE(co_await stream.next());
    check_told(stream.metadata(), 200);
    EXPECT_TRUE(stream.metadata().timings.total);
    EXPECT_EQ(stream.metadata().model, "served-model");
    check_told(stream.partial().metadata, 200);
}

TEST_P(Echo, AStreamCarriesMetadata)
{
    server_.enqueue(busy());
    server_.enqueue(
        script()
            .expect_request()
            .start_stream(told)
            .event(
                R"({"model":"served-model","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]})")
            .event("[DONE]")
            .end_stream());
    run(look_at_stream(config_));
}

asio::awaitable<error_info> fail(client_config config)
{
    const client api(co_await asio::this_coro::executor, std::move(config));
    const auto answer = co_await try_await(api.chat({"sim-chat", "Hi"}, named()));
    co_return answer ? error_info() : answer.error();
}

TEST_P(Echo, AnErrorCarriesMetadata)
{
    server_.enqueue(busy());
    server_.enqueue(script().expect_request().respond(
        400, "application/json", R"({"error":{"message":"too long","code":"x"}})", told));
    const auto info = run(fail(config_));
    EXPECT_EQ(info.code, errc::bad_request);
    check_told(info.metadata, 400);
    EXPECT_EQ(info.call_id, "my-id");
    EXPECT_EQ(info.request_id, "r-77");
    EXPECT_EQ(info.attempts, 2);
    EXPECT_EQ(info.http_status, 400);
    EXPECT_TRUE(info.metadata.timings.total);
}

TEST_P(Echo, AnErrorWithoutAnAnswerCarriesTheIdOfTheCall)
{
    config_.retry.max_retries = 0;
    server_.enqueue(script().expect_request().fin());
    const auto info = run(fail(config_));
    EXPECT_EQ(info.code, errc::connection_lost);
    EXPECT_EQ(info.call_id, "my-id");
    EXPECT_EQ(info.metadata.call_id, "my-id");
    EXPECT_EQ(info.metadata.status, 0);
    EXPECT_EQ(info.metadata.attempts, 1);
    EXPECT_TRUE(info.metadata.timings.connect);
    EXPECT_EQ(info.metadata.timings.tls.has_value(), GetParam());
}

// ---- previews

chat_request telling_request()
{
    chat_request request("sim-chat");
    request.system("It's \"quoted\", $HOME `id` \\n").user("two\nlines, caff\xc3\xa8 {[*]}");
    request.extra["empty"] = nullptr;
    return request;
}

call_options telling_options()
{
    auto options = named();
    options.headers.emplace_back("x-odd", "it's $5; \"ok\"");
    options.query.emplace_back("q", "a b&c=[1]");
    return options;
}

asio::awaitable<request_preview> preview_and_send(client_config config, bool stream)
{
    const client api(co_await asio::this_coro::executor, std::move(config));
    if (stream)
        static_cast<void>(co_await api.stream_chat(telling_request(), telling_options()));
    else
        static_cast<void>(co_await try_await(api.chat(telling_request(), telling_options())));
    co_return api.preview(telling_request(), telling_options(), stream);
}

/// The headers that belong to the request and not to the connection.
std::vector<std::pair<std::string, std::string>> own_headers(const received_request& request)
{
    std::vector<std::pair<std::string, std::string>> own;
    for (const auto& field : request.headers)
    {
        std::string name;
        for (const char c : field.first)
            name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        if (name != "host" && name != "content-length" && name != "connection")
            own.emplace_back(name, field.second);
    }
    std::sort(own.begin(), own.end());
    return own;
}

TEST_P(Echo, APreviewIsWhatTheServerReceives)
{
    for (const bool stream : {false, true})
    {
        SCOPED_TRACE(stream ? "stream" : "whole");
        const auto shown = run(preview_and_send(config_, stream));
        const auto got = server_.requests().back();
        EXPECT_EQ(shown.method, got.method);
        EXPECT_EQ(shown.url, server_.url() + got.target);
        EXPECT_EQ(shown.body, got.body);
        received_request listed;
        for (const auto& field : shown.headers)
        {
            EXPECT_EQ(field.value.find("test-key"), std::string::npos);
            const bool is_key = field.name == "Authorization";
            listed.headers.emplace_back(field.name, is_key ? "Bearer test-key" : field.value);
            EXPECT_TRUE(!is_key || field.value == "Bearer ***") << field.value;
        }
        EXPECT_EQ(own_headers(listed), own_headers(got));
        EXPECT_EQ(shown.to_curl().find("test-key"), std::string::npos);
    }
}

TEST_P(Echo, APreviewOfAnyKindIsWhatTheServerReceives)
{
    const auto body = [&]() -> asio::awaitable<void> {
        const client api(co_await asio::this_coro::executor, config_);
        const auto expect_same = [&](const request_preview& shown) {
            const auto got = server_.requests().back();
            EXPECT_EQ(shown.url, server_.url() + got.target);
            EXPECT_EQ(shown.body, got.body);
            EXPECT_FALSE(shown.body.empty());
        };
        const embedding_request texts("sim-embedding", {"Rome", "Milan"});
        co_await api.embed(texts);
        expect_same(api.preview(texts));
        const image_request picture("sim-image", "A street in Rome");
        co_await api.generate_images(picture);
        expect_same(api.preview(picture));
        const speech_request speech("sim-speech", "Ciao", "alloy");
        co_await api.speak(speech);
        expect_same(api.preview(speech));
        const rerank_request ranking("sim-rerank", "capital", {"Paris", "Rome"});
        co_await api.rerank(ranking);
        expect_same(api.preview(ranking));
        token_count_request count;
        count.model = "sim-chat";
        count.prompt = "Ciao";
        co_await api.count_tokens(count);
        expect_same(api.preview(count));
    };
    run(body());
}

/// Runs a command line in a shell and returns what it writes.
std::string output_of(const std::string& command)
{
    std::FILE* const pipe = ::popen(command.c_str(), "r");
    std::string out;
    std::array<char, 4096> buffer{};
    for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
        out.append(buffer.data(), n);
    EXPECT_EQ(::pclose(pipe), 0) << command;
    return out;
}

TEST_P(Echo, TheCurlLineSendsTheSame)
{
    ASSERT_EQ(std::system("curl --version > /dev/null 2>&1"), 0) << "this test needs curl";
    const auto ca = std::filesystem::path(::testing::TempDir()) /
                    ("regolo-ca-" + std::to_string(server_.port()) + ".pem");
    std::ofstream(ca) << server_.ca_pem();
    for (const bool stream : {false, true})
    {
        SCOPED_TRACE(stream ? "stream" : "whole");
        // The same answer for both; the simulation answers with new times.
        server_.on_request([](const received_request&) {
            return script().respond(200, "application/json", answer_with(message_json()));
        });
        const auto shown = run(preview_and_send(config_, stream));
        const auto by_library = server_.requests().back();
        const auto out = output_of("REGOLO_API_KEY=test-key; CURL_CA_BUNDLE='" + ca.string() +
                                   "'; export CURL_CA_BUNDLE; " + shown.to_curl());
        const auto by_curl = server_.requests().back();
        EXPECT_EQ(out, answer_with(message_json()));
        EXPECT_NE(by_curl.sequence, by_library.sequence);
        EXPECT_EQ(by_curl.method, by_library.method);
        EXPECT_EQ(by_curl.target, by_library.target);
        EXPECT_EQ(by_curl.body, by_library.body);
        EXPECT_EQ(own_headers(by_curl), own_headers(by_library));
    }
    std::filesystem::remove(ca);
}

INSTANTIATE_TEST_SUITE_P(Transport, Echo, ::testing::Bool(),
                         [](const auto& chosen) { return chosen.param ? "Tls" : "Plain"; });

}  // namespace

}  // namespace regolo::test
