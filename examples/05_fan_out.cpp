// Answers the prompts of a JSONL file, many at a time: one line of JSON per answer on the standard
// output, how far it has come on the terminal.
//
//   regolo_example_05_fan_out prompts.jsonl >answers.jsonl
//
// Each line of the file is an object with a member "prompt". Without a file three prompts are asked.
// After Ctrl-C no more prompts are taken, and the answers under way still come; after a second one they
// are cancelled.

#include "common.hpp"

#include <boost/asio/signal_set.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/json.hpp>

#include <chrono>
#include <csignal>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <stop_token>

namespace json = boost::json;

namespace {

/// Reads a line when the run has room for one more request: the file may be larger than memory.
/// A line that is not as above throws, which ends the run after what is in flight.
struct prompt_reader
{
    std::optional<regolo::chat_request> operator()()
    {
        std::string line;
        if (!std::getline(*input, line))
            return std::nullopt;
        ++number;
        try
        {
            const auto parsed = json::parse(line);
            const std::string_view prompt = parsed.at("prompt").as_string();
            return regolo::chat_request(example_model(), prompt);
        }
        catch (const std::exception& e)
        {
            throw std::runtime_error("line " + std::to_string(number) + ": " + e.what());
        }
    }

    std::istream* input;
    std::size_t number = 0;
};

void show(const regolo::fan_out_progress& now)
{
    std::cerr << '\r' << now.done << " done, " << now.failed << " of them failed, " << now.running
              << " running, " << now.completion_tokens << " tokens " << std::flush;
}

/// Presses one button at the first Ctrl-C and the other at the second, as long as somebody holds the set.
void on_ctrl_c(const std::shared_ptr<asio::signal_set>& signals, const std::stop_source& first,
               const std::stop_source& second)
{
    signals->async_wait([held = std::weak_ptr(signals), first = first, second = second](
                            boost::system::error_code failed, int) mutable {
        const auto again = held.lock();
        if (failed || !again)
            return;
        first.request_stop();
        on_ctrl_c(again, second, second);
    });
}

asio::awaitable<void> answer_all(std::istream& prompts)
{
    using clock = std::chrono::steady_clock;

    regolo::client client(co_await asio::this_coro::executor);
    std::stop_source enough;
    std::stop_source now;
    regolo::call_options each;
    each.stop = now.get_token();
    auto run = client.fan_out(prompt_reader{&prompts, 0}, {.max_in_flight = 32}, each);
    const std::stop_callback stop(enough.get_token(), [&run] { run.stop(); });
    const auto signals =
        std::make_shared<asio::signal_set>(co_await asio::this_coro::executor, SIGINT);
    on_ctrl_c(signals, enough, now);
    auto shown = clock::now();
    while (auto done = co_await run.next())  // in order of completion
    {
        json::object line{{"index", done->index}};
        if (done->result)
            line["answer"] = done->result->text();
        else
            line["error"] = done->result.error().message;
        std::cout << line << '\n';
        if (clock::now() - shown > std::chrono::milliseconds(100))
        {
            shown = clock::now();
            show(run.progress());
        }
    }
    show(run.progress());
    for (const auto& [code, count] : run.progress().failed_by_code)
        std::cerr << '\n' << count << " failed: " << code.message();
    std::cerr << '\n';
}

}  // namespace

int main(int argc, char** argv)
{
    std::cout.exceptions(std::ios::badbit);  // a full disk ends the program
    std::istringstream few(R"({"prompt": "Tell me about Rome."}
{"prompt": "Tell me about Milan."}
{"prompt": "Tell me about Naples."})");
    if (argc < 2)
        return run(answer_all(few));
    std::ifstream file(argv[1]);
    if (!file)
    {
        std::cerr << "cannot read " << argv[1] << '\n';
        return 1;
    }
    return run(answer_all(file));
}
