// Every way of calling that the README shows, one function each, run one after the other. A test
// checks that the README's code is found here or in the other examples, and the sanitizers watch.

#include "common.hpp"

#include <regolo/background.hpp>

#include <boost/describe.hpp>
#include <boost/json.hpp>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;

asio::awaitable<void> ask(regolo::client& client)
{
    auto answer = co_await client.chat({"Llama-3.3-70B-Instruct", "Tell me something about Rome."});
    std::cout << answer.text() << '\n';
}

asio::awaitable<void> in_one_expression(regolo::client& client)
{
    auto answer = co_await client.chat(
        regolo::chat_request("Llama-3.3-70B-Instruct").system("Be brief.").user("Who built it?"));
    std::cout << answer.text() << '\n';
}

asio::awaitable<void> converse(regolo::client& client)
{
    regolo::chat_request request("Llama-3.3-70B-Instruct");
    request.system("You are a guide.").user("Tell me something about Rome.");
    request.temperature = 0.7;
    request.extra["chat_template_kwargs"] = {{"enable_thinking", false}};

    auto stream = co_await client.stream_chat(request);
    while (auto chunk = co_await stream.next())
        std::cout << chunk->text() << std::flush;

    request.add(stream.partial().message()).user("And what should I see first?");
    auto more = co_await client.chat(request);
    std::cout << more.text() << '\n';
}

asio::awaitable<void> reuse(regolo::client& client)
{
    auto stream = co_await client.stream_chat({"Llama-3.3-70B-Instruct", "Count to ten."});
    regolo::chat_chunk chunk;
    while (co_await stream.next(chunk))
        do
            std::cout << chunk.text();
        while (stream.try_next(chunk));  // what has arrived already, without waiting
}

asio::awaitable<void> tools(regolo::client& client)
{
    regolo::chat_request request("Llama-3.3-70B-Instruct", "What is the weather in Rome?");
    boost::json::object city{{"type", "object"}, {"properties", {{"city", {{"type", "string"}}}}}};
    request.tools.emplace_back("weather", "The weather of a city", city);

    auto answer = co_await client.chat(request);
    if (answer.tool_calls().empty())
        co_return;
    request.add(answer.message());
    for (const auto& call : answer.tool_calls())
        request.tool_result(call.id, "sunny");  // call.arguments is JSON text
    answer = co_await client.chat(request);
}

struct city_facts
{
    std::string name;
    std::int64_t inhabitants = 0;
};
BOOST_DESCRIBE_STRUCT(city_facts, (), (name, inhabitants))

asio::awaitable<void> structured(regolo::client& client)
{
    regolo::chat_request request("Llama-3.3-70B-Instruct", "How many people live in Rome?");
    boost::json::object properties{{"name", {{"type", "string"}}},
                                   {"inhabitants", {{"type", "integer"}}}};
    boost::json::object schema{{"type", "object"},
                               {"properties", properties},
                               {"required", {"name", "inhabitants"}},
                               {"additionalProperties", false}};
    request.response_format = regolo::response_format::schema("city_facts", schema);

    auto answer = co_await client.chat(request);
    const auto facts = boost::json::value_to<city_facts>(boost::json::parse(answer.text()));
    std::cout << facts.name << ": " << facts.inhabitants << '\n';
}

asio::awaitable<void> text_completion(regolo::client& client)
{
    regolo::completion_request request("Llama-3.3-70B-Instruct", "Once upon a time");
    request.max_tokens = 16;
    auto answer = co_await client.complete(request);
    auto stream = co_await client.stream_completion(request);
    while (auto chunk = co_await stream.next())
        std::cout << chunk->text();
}

asio::awaitable<void> any_endpoint(regolo::client& client)
{
    auto models = co_await client.models();
    auto same = co_await client.request({"GET", "/v1/models"});
    std::cout << models.data.size() << " models, " << same.json().as_object().size()
              << " members\n";

    boost::json::value body = {{"model", "Llama-3.3-70B-Instruct"},
                               {"messages", {{{"role", "user"}, {"content", "Hello"}}}},
                               {"stream", true}};
    regolo::api_request request("POST", "/v1/chat/completions", body);
    auto events = co_await client.stream_request(request);
    while (auto event = co_await events.next())
        std::cout << event->data << '\n';
}

asio::awaitable<void> many(regolo::client& client)
{
    std::vector<regolo::chat_request> prompts;
    for (const auto* city : {"Rome", "Milan", "Naples"})
        prompts.emplace_back("Llama-3.3-70B-Instruct", "Tell me about " + std::string(city) + ".");

    auto answers = client.fan_out(std::move(prompts), {.max_in_flight = 64});
    while (auto done = co_await answers.next())  // in order of completion
    {
        if (done->result)
            std::cout << done->index << ": " << done->result->text() << '\n';
        else
            std::cerr << done->index << ": " << done->result.error().message << '\n';
    }
}

asio::awaitable<void> errors(regolo::client& client)
{
    regolo::chat_request request("no-such-model", "Hello");
    try
    {
        co_await client.chat(request);
    }
    catch (const regolo::error& e)
    {
        std::cerr << e.what() << '\n';  // one line: what failed and what to do
        if (regolo::is_retryable(e.info()))
            std::cerr << "worth another try later\n";
    }

    auto answer = co_await regolo::try_await(client.chat(request));
    if (!answer && answer.error().code == regolo::errc::not_found)
        std::cerr << "HTTP status " << answer.error().http_status << '\n';
}

asio::awaitable<void> one_call(regolo::client& client)
{
    regolo::call_options options;
    options.time.total = 30s;  // all attempts together
    options.max_retries = 0;   // this call only
    options.headers.emplace_back("x-team", "search");
    auto answer = co_await client.chat({"Llama-3.3-70B-Instruct", "Hello"}, options);
    std::cout << answer.metadata.request_id << '\n';
}

asio::awaitable<void> stop_button(regolo::client& client, std::stop_token token)
{
    regolo::call_options options;
    options.stop = token;  // request_stop() from any thread
    auto stream = co_await client.stream_chat({"Llama-3.3-70B-Instruct", "Count to 100."}, options);
    auto chunk = co_await regolo::try_await(stream.next_for(50ms));
    if (!chunk && chunk.error().code == regolo::errc::wait_timeout)
        std::cout << "nothing yet, and the stream is whole\n";
}

asio::awaitable<void> configured()
{
    auto config = regolo::client_config::from_environment();
    config.time.connect = 5s;
    config.retry.max_retries = 5;
    config.pool.max_connections = 64;
    config.observer = regolo::log_observer(std::clog);
    regolo::client client(co_await asio::this_coro::executor, config);

    regolo::chat_request request("Llama-3.3-70B-Instruct", "Hello");
    std::cout << client.preview(request).to_curl() << '\n';  // the key is masked
    co_await client.chat(request);
    co_await client.drain(5s);  // no new calls; those in flight may finish
}

void without_coroutines(regolo::chat_request request)
{
    asio::io_context context;
    regolo::client client(context);
    asio::co_spawn(context, client.chat(request),
                   [&client](std::exception_ptr failure, regolo::chat_response answer) {
                       if (!failure)
                           std::cout << answer.text() << '\n';
                       client.close();  // otherwise run() goes on while a connection is idle
                   });
    context.run();
}

void without_asio()
{
    regolo::background api;
    auto answer = api.chat({"Llama-3.3-70B-Instruct", "Hello"}).get();

    auto job = api.stream_chat({"Llama-3.3-70B-Instruct", "Tell me something about Rome."});
    while (auto chunk = job.next())  // blocks; try_next() never does
        std::cout << chunk->text() << std::flush;
    std::cout << answer.text() << '\n';
}

asio::awaitable<void> conversation(regolo::client& client)
{
    regolo::conversation talk(client, regolo::chat_request().system("You are a guide."));
    auto answer = co_await talk.say("Tell me something about Rome.");
    auto more = co_await talk.say_stream("And what should I see first?");
    while (auto chunk = co_await more.next())
        std::cout << chunk->text() << std::flush;
    co_await talk.regenerate();  // another answer to the last question
    std::cout << answer.text() << '\n';
}

asio::awaitable<std::string> next_piece() { co_return ""; }

asio::awaitable<void> other_endpoints(regolo::client& client)
{
    const auto recording = regolo::upload::bytes("ID3 and what was said", "talk.mp3");
    // g++ 12 takes no list in a call that is awaited: client.embed({"...", {"Rome", "Milan"}})
    std::vector<std::string> cities{"Rome", "Milan"};  // a list has a statement of its own
    auto vectors = co_await client.embed({"Qwen3-Embedding-8B", cities});
    auto ranked = co_await client.rerank({"Qwen3-Reranker-4B", "capital of Italy", cities});
    auto pictures = co_await client.generate_images({"Qwen-Image", "A street in Rome"});
    auto said = co_await client.transcribe({"faster-whisper-large-v3", recording});
    std::cout << vectors.data.size() << ranked.results.size() << said.text << '\n';

    const std::string bytes = pictures.bytes();
    regolo::chat_request request("Llama-3.3-70B-Instruct");
    request.user({regolo::content_part::text_part("What is on this picture?"),
                  regolo::content_part::image(bytes)});
    co_await client.chat(request);
}

regolo::upload any_of_three(std::string sound)
{
    auto on_disk = regolo::upload::file("talk.mp3");
    auto in_memory = regolo::upload::bytes(std::move(sound), "talk.wav");
    auto from_elsewhere =
        regolo::upload::source([] { return regolo::upload::reader(next_piece); }, "talk.opus");
    return on_disk.empty() ? in_memory : from_elsewhere;
}

asio::awaitable<void> all()
{
    auto config = regolo::client_config::from_environment();
    if (config.model.empty())
        config.model = example_model();
    regolo::client client(co_await asio::this_coro::executor, config);
    co_await conversation(client);
    co_await other_endpoints(client);
    if (any_of_three("RIFF").empty())
        throw std::logic_error("no upload");
    co_await ask(client);
    co_await in_one_expression(client);
    co_await converse(client);
    co_await reuse(client);
    co_await tools(client);
    co_await structured(client);
    co_await text_completion(client);
    co_await any_endpoint(client);
    co_await many(client);
    co_await errors(client);
    co_await one_call(client);
    std::stop_source button;
    co_await stop_button(client, button.get_token());
    co_await configured();
    std::cout << "all shapes ran\n";
}

}  // namespace

int main()
{
    without_asio();
    without_coroutines({"Llama-3.3-70B-Instruct", "Hello"});
    return run(all());
}
