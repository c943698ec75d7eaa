// Recordings of real servers, sent again through real sockets in ever different pieces. What each of them is to become
// stands in data/wire_outcomes.jsonl, one recording a line.

#include "support/wire.hpp"

#include <regolo.hpp>
#include <regolo/testing/run.hpp>
#include <regolo/testing/test_server.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/json.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <sstream>
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

/// A line of the table.
struct expectation
{
    std::string name;
    json::object wanted;
    recording sent;
};

std::vector<expectation> read_table()
{
    std::vector<expectation> table;
    std::istringstream lines(read_data("wire_outcomes.jsonl"));
    for (std::string line; std::getline(lines, line);)
    {
        expectation row;
        row.wanted = json::parse(line).as_object();
        row.name = row.wanted.at("name").as_string();
        row.sent = read_recording(row.name);
        table.push_back(std::move(row));
    }
    return table;
}

/// What a replay gave: the members that the table knows, and everything else as one text to be compared with.
struct outcome
{
    json::object facts;
    std::string words;  // of an error, for a person
    std::string whole;
};

std::string code_name(const boost::system::error_code& code)
{
    if (code.category() == error_category())
        return std::string(to_string(static_cast<errc>(code.value())));
    return code.message();
}

// ---- answers as the table writes them

json::object facts_of(const chat_choice& choice)
{
    json::object facts;
    if (const auto text = choice.message.text(); !text.empty())
        facts["text"] = text;
    if (choice.message.reasoning && !choice.message.reasoning->empty())
        facts["reasoning"] = *choice.message.reasoning;
    if (!choice.finish_reason.empty())
        facts["finish"] = choice.finish_reason;
    json::array tools;
    for (const auto& call : choice.message.tool_calls)
        tools.push_back(json::array{call.id, call.name, call.arguments});
    if (!tools.empty())
        facts["tools"] = std::move(tools);
    if (choice.logprobs && !choice.logprobs->content.empty())
        facts["logprobs"] = choice.logprobs->content.size();
    return facts;
}

json::object facts_of(const completion_choice& choice)
{
    json::object facts;
    if (!choice.text.empty())
        facts["text"] = choice.text;
    if (!choice.finish_reason.empty())
        facts["finish"] = choice.finish_reason;
    if (const auto* content = choice.logprobs.is_object()
                                  ? choice.logprobs.as_object().if_contains("content")
                                  : nullptr)
        facts["logprobs"] = content->as_array().size();
    return facts;
}

json::value number(const std::optional<std::int64_t>& value)
{
    return value ? json::value(*value) : json::value();
}

template <class Response>
void note_answer(outcome& result, const Response& answer, std::string_view end)
{
    json::array choices;
    for (const auto& choice : answer.choices)
        choices.push_back(facts_of(choice));
    result.facts["choices"] = std::move(choices);
    if (const auto& used = answer.usage)
    {
        result.facts["usage"] =
            json::array{number(used->prompt_tokens), number(used->completion_tokens),
                        number(used->total_tokens)};
    }
    result.facts["end"] = end;
    result.whole += json::serialize(to_json(answer));
}

void note_metadata(outcome& result, const metadata& told)
{
    result.whole += "\nstatus " + std::to_string(told.status) + ", " + told.request_id + ", " +
                    told.model + ", attempts " + std::to_string(told.attempts);
    for (const auto& field : told.headers)
        result.whole += '\n' + field.name + ": " + field.value;
}

void note_error(outcome& result, const error_info& info)
{
    result.facts["error"] = code_name(info.code);
    result.facts["status"] = info.http_status;
    result.words = describe(info);
    auto all = to_json(info).as_object();
    all.erase("metadata");  // has the timings
    result.whole += result.words + '\n' + json::serialize(all);
    note_metadata(result, info.metadata);
}

// ---- the calls

call_options options_for(const std::string& name, const std::string& pieces)
{
    call_options options;
    options.headers.emplace_back("x-recording", name);
    options.headers.emplace_back("x-pieces", pieces);
    options.call_id = "call-of-" + name;
    options.max_retries = 0;
    return options;
}

std::string_view end_name(stream_end end)
{
    return end == stream_end::done       ? "done"
           : end == stream_end::finished ? "finished"
                                         : "not at its end";
}

template <class Stream>
asio::awaitable<void> read_stream(Stream stream, outcome& result)
{
    note_metadata(result, stream.metadata());
    std::optional<error_info> failure;
    try
    {
        while (const auto chunk = co_await stream.next())
            result.whole += '\n' + json::serialize(to_json(*chunk));
    }
    catch (const error& e)
    {
        failure = e.info();
    }
    if (failure)
    {
        note_error(result, *failure);
        result.facts["partial"] = stream.partial().text();
        result.whole += json::serialize(to_json(stream.partial()));
        co_return;
    }
    note_answer(result, stream.partial(), end_name(stream.ended_as()));
}

asio::awaitable<void> make_call(const client& api, std::string call, call_options options,
                                outcome& result)
{
    const chat_request chat("some-model", "Tell me something about Rome.");
    const completion_request completion("some-model", "Once upon a time");
    if (call == "chat")
    {
        const auto answer = co_await api.chat(chat, options);
        note_answer(result, answer, "whole");
        note_metadata(result, answer.metadata);
    }
    else if (call == "complete")
    {
        const auto answer = co_await api.complete(completion, options);
        note_answer(result, answer, "whole");
        note_metadata(result, answer.metadata);
    }
    else if (call == "stream_chat")
    {
        auto stream = co_await api.stream_chat(chat, options);
        co_await read_stream(std::move(stream), result);
    }
    else if (call == "stream_completion")
    {
        auto stream = co_await api.stream_completion(completion, options);
        co_await read_stream(std::move(stream), result);
    }
    else if (call == "models")
    {
        const auto list = co_await api.models(options);
        json::array ids;
        for (const auto& entry : list.data)
            ids.emplace_back(entry.id);
        result.facts["models"] = std::move(ids);
        result.whole += json::serialize(to_json(list));
        note_metadata(result, list.metadata);
    }
    else if (call.starts_with("events "))
    {
        // "events METHOD PATH"
        const auto path = call.find(' ', 7);
        const api_request plain(call.substr(7, path - 7), call.substr(path + 1), "{}");
        auto events = co_await api.stream_request(plain, options);
        std::size_t count = 0;
        while (const auto event = co_await events.next())
        {
            result.whole += '\n' + event->event + ": " + event->data;
            ++count;
        }
        result.facts["events"] = count;
        result.facts["end"] = end_name(events.ended_as());
    }
    else
    {
        // "request METHOD PATH"
        const auto path = call.find(' ', 8);
        api_request plain(call.substr(8, path - 8), call.substr(path + 1));
        if (plain.method == "POST")
            plain.body = "{}";
        const auto answer = co_await api.request(plain, options);
        result.whole += answer.body;
    }
}

// ---- replays

constexpr std::uint32_t seed = 20261122;
constexpr int random_replays = 3;

/// "whole", "byte" or "random N".
std::vector<std::size_t> cuts_for(std::string_view bytes, const std::string& pieces,
                                  const std::string& name)
{
    std::vector<std::size_t> cuts;
    if (pieces == "byte")
    {
        for (std::size_t at = 1; at < bytes.size(); ++at)
            cuts.push_back(at);
    }
    else if (pieces != "whole")
    {
        // The same in each run, and another for each recording.
        const auto own = name + pieces + std::to_string(seed);
        std::seed_seq from(own.begin(), own.end());
        std::mt19937 random(from);
        std::uniform_int_distribution<std::size_t> length(1, 200);
        for (auto at = length(random); at < bytes.size(); at += length(random))
            cuts.push_back(at);
    }
    return cuts;
}

class WireReplay : public ::testing::Test
{
protected:
    WireReplay() : table_(read_table())
    {
        for (const auto& row : table_)
            answers_[row.name] = row.sent.answer;
        RecordProperty("seed", std::to_string(seed));
    }

    client_config config_for(test_server& server)
    {
        server.on_request([this](const received_request& request) {
            const std::string name(request.header("x-recording"));
            const auto& bytes = answers_.at(name);
            // Several of the recorded servers mark the end by closing, and those that broke off did.
            return script()
                .send_cut(bytes, cuts_for(bytes, std::string(request.header("x-pieces")), name))
                .fin();
        });
        client_config config(std::string_view("test-key"));
        config.base_url = server.url();
        config.tls.ca_pem = server.ca_pem();
        return config;
    }

    static asio::awaitable<outcome> replay(const client& api, const expectation& row,
                                           std::string pieces)
    {
        outcome result;
        std::optional<error_info> failure;
        auto options = options_for(row.name, pieces);
        std::string call(row.wanted.at("call").as_string());
        try
        {
            co_await make_call(api, std::move(call), std::move(options), result);
        }
        catch (const error& e)
        {
            failure = e.info();
        }
        if (failure)
            note_error(result, *failure);
        co_return result;
    }

    static asio::awaitable<void> replay_all(const client& api, const std::vector<expectation>& rows,
                                            std::size_t& next, std::string pieces,
                                            std::map<std::string, outcome>& results)
    {
        while (next < rows.size())
        {
            const auto& row = rows[next++];
            auto result = co_await replay(api, row, pieces);
            results[row.name] = std::move(result);
        }
    }

    /// Every row in pieces of that kind, a few at a time.
    static std::map<std::string, outcome> replay_table(const client_config& config,
                                                       const std::vector<expectation>& rows,
                                                       const std::string& pieces)
    {
        std::map<std::string, outcome> results;
        run(all_at_once(config, rows, pieces, results), 60s);
        return results;
    }

    static asio::awaitable<void> all_at_once(const client_config& config,
                                             const std::vector<expectation>& rows,
                                             std::string pieces,
                                             std::map<std::string, outcome>& results)
    {
        using namespace asio::experimental::awaitable_operators;
        const client api(co_await asio::this_coro::executor, config);
        std::size_t next = 0;
        const auto worker = [&] { return replay_all(api, rows, next, pieces, results); };
        co_await (worker() && worker() && worker() && worker());
    }

    static void check(const expectation& row, const outcome& got)
    {
        for (const auto& [name, value] : row.wanted)
        {
            if (name == "name" || name == "call")
                continue;
            if (name == "words")
            {
                for (const auto& word : value.as_array())
                    EXPECT_NE(got.words.find(word.as_string().c_str()), std::string::npos)
                        << word << " is not in " << got.words;
                continue;
            }
            const auto* fact = got.facts.if_contains(name);
            EXPECT_TRUE(fact && *fact == value)
                << name << "\n  expected " << value << "\n  was      "
                << (fact ? json::serialize(*fact) : "not there") << "\n  " << got.words;
        }
        for (const auto& [name, value] : got.facts)
            EXPECT_TRUE(row.wanted.contains(name)) << "not expected: " << name << " = " << value;
    }

    std::vector<expectation> table_;
    std::map<std::string, std::string> answers_;
};

TEST_F(WireReplay, EachRecordingIsInTheTable)
{
    // Of endpoints without a stream, whose answers are read by the tests of their codecs, and of audio.
    const std::vector<std::string_view> others{"embeddings", "rerank",   "speech",
                                               "images",     "x_rerank", "x_trans"};
    for (const auto& file : read_recordings())
    {
        const auto name = file.name.substr(file.name.find('/') + 1);
        const bool other =
            std::any_of(others.begin(), others.end(),
                        [&](auto start) { return name.compare(0, start.size(), start) == 0; }) ||
            (file.name.compare(0, 8, "whisper/") == 0 && name.compare(0, 4, "err_") != 0);
        EXPECT_NE(answers_.contains(file.name), other) << file.name;
    }
}

TEST_F(WireReplay, ReplayedWholeGivesWhatTheBytesSay)
{
    test_server server(server_options::plain());
    const auto results = replay_table(config_for(server), table_, "whole");
    ASSERT_EQ(results.size(), table_.size());
    for (const auto& row : table_)
    {
        SCOPED_TRACE(row.name);
        check(row, results.at(row.name));
    }
}

TEST_F(WireReplay, PiecesMakeNoDifference)
{
    test_server server(server_options::plain());
    const auto config = config_for(server);
    const auto whole = replay_table(config, table_, "whole");
    std::vector<std::string> kinds{"byte"};
    for (int i = 0; i != random_replays; ++i)
        kinds.push_back("random " + std::to_string(i));
    for (const auto& kind : kinds)
    {
        SCOPED_TRACE("pieces: " + kind + ", seed " + std::to_string(seed));
        const auto results = replay_table(config, table_, kind);
        for (const auto& [name, result] : whole)
            EXPECT_EQ(results.at(name).whole, result.whole) << name;
    }
}

TEST_F(WireReplay, PiecesMakeNoDifferenceOverTls)
{
    // One of each kind; here each piece is a TLS record, which is read by itself.
    std::vector<expectation> sample;
    for (const auto& row : table_)
    {
        for (const std::string_view name :
             {"aimock/x_stream_unicode", "aimock/x_stream_two_tools", "aimock/x_stream_hangup",
              "aimock/x_stream_error_429", "llama/chat_n2", "llama/completions_stream",
              "llama/models", "llama/x_stream_midstream_error", "mock-llm/chat_stream", "nginx/502",
              "nginx/stream_buffered", "nginx/stream_gzip", "portkey/x_stream_hangup",
              "sse-starlette/x_stream_ping", "whisper/err_404"})
        {
            if (row.name == name)
                sample.push_back(row);
        }
    }
    ASSERT_EQ(sample.size(), 15U);
    test_server server(server_options::https());
    const auto config = config_for(server);
    const auto whole = replay_table(config, sample, "whole");
    for (const auto& row : sample)
    {
        SCOPED_TRACE(row.name);
        check(row, whole.at(row.name));
    }
    for (const std::string kind : {"byte", "random 0"})
    {
        SCOPED_TRACE("pieces: " + kind + ", seed " + std::to_string(seed));
        const auto results = replay_table(config, sample, kind);
        for (const auto& [name, result] : whole)
            EXPECT_EQ(results.at(name).whole, result.whole) << name;
    }
}

}  // namespace

}  // namespace regolo::test
