// What doc/from-python.md shows, run one after the other. A test checks that the code of the page is found here.

#include "common.hpp"

#include <boost/asio/this_coro.hpp>
#include <boost/json/serialize.hpp>

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

namespace {

asio::awaitable<void> models(const regolo::client& client)
{
    for (const auto& model : (co_await client.models()).data)
        std::cout << model.id << '\n';
    for (const auto& deployment : (co_await client.model_info()).data)
        std::cout << deployment.model_name << '\n';
}

asio::awaitable<void> completions(const regolo::client& client)
{
    regolo::completion_request prompt("Llama-3.3-70B-Instruct", "Rome is");
    prompt.max_tokens = 200;
    prompt.temperature = 0.5;
    const std::string text = (co_await client.complete(prompt)).text();

    auto pieces = co_await client.stream_completion(prompt);
    while (auto piece = co_await pieces.next_text())
        std::cout << *piece;
    std::cout << "\nthe same as " << text << '\n';
}

asio::awaitable<void> chats(const regolo::client& client)
{
    auto answer = co_await client.chat({"Llama-3.3-70B-Instruct", "Tell me about Rome."});
    std::cout << answer.message().role << ": " << answer.text() << '\n';

    auto stream = co_await client.stream_chat({"gpt-oss-120b", "Tell me about Rome."});
    while (auto piece = co_await stream.next_piece())
    {
        if (piece->kind == regolo::piece_kind::reasoning)
            std::cout << "thinking: " << piece->text << '\n';
        else if (piece->kind == regolo::piece_kind::content)
            std::cout << piece->text;
    }
    std::cout << '\n';

    auto chunks = co_await client.stream_chat({"gpt-oss-120b", "Tell me about Rome."});
    while (auto chunk = co_await chunks.next())
        std::cout << to_json(*chunk) << '\n';
}

asio::awaitable<void> conversations(const regolo::client& client)
{
    regolo::conversation talk(client);
    talk.add(regolo::chat_message::user("Tell me about Rome."));
    auto reply = co_await talk.reply();
    co_await talk.say("And what should I see first?");
    for (const auto& line : talk.history())
        std::cout << line.role << ": " << line.text() << '\n';
    talk.clear();
}

void go_on_elsewhere(const regolo::client& client, regolo::conversation& talk)
{
    regolo::conversation other(client, talk.settings());
    other.load(talk.save());
    std::cout << other.history().size() << " messages go on\n";
}

/// The lines of the tables.
void settings(const regolo::client& client)
{
    regolo::client_config config;
    config.key = "...";
    config.model = "...";
    config.models.embedding = config.models.image = "...";
    config.models.transcription = config.models.rerank = "...";
    config.check_models = true;

    regolo::conversation talk(client);
    const std::string role = "user";
    const std::string content = "Tell me about Rome.";
    talk.settings().model = "...";
    talk.add({role, content});
    talk.load(talk.save());
    std::cout << talk.history().size() << " message\n";
}

asio::awaitable<void> images(const regolo::client& client)
{
    regolo::image_request picture("Qwen-Image", "A street in Rome");
    picture.n = 1;
    picture.size = "1024x1024";
    picture.quality = "standard";
    picture.style = "realistic";
    auto images = co_await client.generate_images(picture);
    std::cout << images.bytes().size() << " bytes of " << images.data.at(0).media_type() << '\n';
}

asio::awaitable<void> embeddings(const regolo::client& client)
{
    std::vector<std::string> cities{"Rome", "Milan"};
    auto vectors = co_await client.embed({"Qwen3-Embedding-8B", cities});
    std::cout << vectors.data.size() << " vectors of " << vectors.values(0).size() << '\n';
}

asio::awaitable<void> transcription(const regolo::client& client)
{
    const std::string path = "regolo_example_talk.mp3";
    std::ofstream(path, std::ios::binary) << "ID3 and what was said";
    regolo::transcription_request recording("faster-whisper-large-v3", regolo::upload::file(path));
    recording.language = "it";
    recording.response_format = "verbose_json";
    recording.timestamp_granularities = {"word", "segment"};
    auto transcript = co_await client.transcribe(recording);
    std::cout << transcript.text << '\n';

    auto growing = co_await client.stream_transcription(recording);
    while (auto piece = co_await growing.next_text())
        std::cout << *piece << '\n';
    std::remove(path.c_str());
}

asio::awaitable<void> reranking(const regolo::client& client)
{
    regolo::rerank_request ranking("Qwen3-Reranker-4B", "capital of Italy", {"Paris", "Rome"});
    ranking.top_n = 1;
    ranking.return_documents = true;
    auto ranked = co_await client.rerank(ranking);
    std::cout << ranked.results.at(0).score << ' ' << ranked.results.at(0).text() << '\n';
}

asio::awaitable<void> all()
{
    auto config = regolo::client_config::from_python_environment();
    config.model = "Llama-3.3-70B-Instruct";
    regolo::client client(co_await asio::this_coro::executor, config);
    co_await models(client);
    co_await completions(client);
    co_await chats(client);
    settings(client);
    co_await conversations(client);
    regolo::conversation talk(client);
    talk.add(regolo::chat_message::user("Tell me about Rome."));
    go_on_elsewhere(client, talk);
    co_await images(client);
    co_await embeddings(client);
    co_await transcription(client);
    co_await reranking(client);
    std::cout << "all lines ran\n";
}

}  // namespace

int main() { return run(all()); }
