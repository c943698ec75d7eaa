// What the library has no type for: other paths, and members that it does not know.

#include "real/server.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace regolo::test {

namespace {

namespace json = boost::json;

asio::awaitable<json::value> post(std::string path, json::value body)
{
    const auto api = co_await make_client();
    const auto answer = co_await api.request({"POST", path, body});
    co_return answer.json();
}

TEST(RealRaw, TokensOfATextAndBack)
{
    REGOLO_NEEDS("tokenize");
    const std::string text = "Citt\u00e0";
    const json::value question = {{"content", text}, {"with_pieces", true}};
    const auto pieces = run(post("/tokenize", question)).at("tokens").as_array();
    ASSERT_EQ(pieces.size(), text.size());  // a token for each byte
    json::array ids;
    for (const auto& piece : pieces)
        ids.push_back(piece.at("id"));
    // A token that is no character by itself is written as its bytes.
    EXPECT_EQ(pieces[0].at("piece").as_string(), "C");
    EXPECT_EQ(pieces[4].at("piece"), json::array{0xc3});
    const json::value back = {{"tokens", ids}};
    EXPECT_EQ(run(post("/detokenize", back)).at("content").as_string(), text);
}

// ---- members that the library does not know

TEST(RealRaw, UnknownMembersOfAnAnswer)
{
    REGOLO_NEEDS("chat");
    REGOLO_NEEDS("own_members");
    const auto ask = []() -> asio::awaitable<void> {
        const auto api = co_await make_client();
        auto request = short_question();
        request.extra["return_tokens"] = true;
        request.extra["timings_per_token"] = true;
        const auto answer = co_await api.chat(request);
        EXPECT_GT(answer.extra.at("timings").at("predicted_n").as_int64(), 0);
        EXPECT_TRUE(to_json(answer).as_object().contains("timings"));
    };
    run(ask());
}

/// The number of chunks before the last content that tell timings.
asio::awaitable<int> timings_in_stream(bool asked_for)
{
    const auto api = co_await make_client();
    auto request = short_question();
    if (asked_for)
        request.extra["timings_per_token"] = true;
    auto stream = co_await api.stream_chat(request);
    int count = 0;
    while (const auto chunk = co_await stream.next())
        count += !chunk->text().empty() && chunk->extra.contains("timings");
    co_return count;
}

TEST(RealRaw, UnknownMembersOfAStream)
{
    REGOLO_NEEDS("chat");
    REGOLO_NEEDS("own_members");
    EXPECT_EQ(run(timings_in_stream(false)), 0);
    EXPECT_GT(run(timings_in_stream(true)), 1);
}

// ---- /v1/responses

json::value response_question(bool is_stream)
{
    json::object body = {{"model", client_config::from_environment().model},
                         {"input", "Tell me about Rome, its seven hills and its forum."},
                         {"max_output_tokens", 24},
                         {"temperature", 0},
                         {"seed", 1}};
    if (is_stream)
        body["stream"] = true;
    return body;
}

/// The text of the first message of a response.
std::string output_text(const json::value& response)
{
    for (const auto& item : response.at("output").as_array())
    {
        if (item.at("type").as_string() == "message")
            return json::value_to<std::string>(item.at("content").at(0).at("text"));
    }
    return {};
}

TEST(RealResponses, ComeWhole)
{
    REGOLO_NEEDS("responses");
    const auto response = run(post("/v1/responses", response_question(false)));
    EXPECT_EQ(response.at("object").as_string(), "response");
    EXPECT_EQ(response.at("status").as_string(), "completed");
    EXPECT_FALSE(output_text(response).empty());
    EXPECT_TRUE(response.at("usage").at("output_tokens").is_int64());
}

struct response_events
{
    response_events() = default;

    std::vector<std::string> names;
    std::string deltas;  ///< put together
    std::string done;    ///< the text as it is told at its end
    json::value response;
    stream_end ended_as = stream_end::open;
};

asio::awaitable<response_events> read_response()
{
    const auto api = co_await make_client();
    const auto question = response_question(true);
    auto events = co_await api.stream_request({"POST", "/v1/responses", question});
    response_events read;
    while (const auto event = co_await events.next())
    {
        const auto data = json::parse(event->data);
        EXPECT_EQ(event->event, data.at("type").as_string());
        if (event->event == "response.output_text.delta")
            read.deltas += data.at("delta").as_string();
        else if (event->event == "response.output_text.done")
            read.done = data.at("text").as_string();
        else if (event->event == "response.completed")
            read.response = data.at("response");
        // llama.cpp begins the answer anew when the model stopped in the middle of a character.
        if (std::find(read.names.begin(), read.names.end(), event->event) == read.names.end())
            read.names.push_back(event->event);
    }
    read.ended_as = events.ended_as();
    EXPECT_EQ(api.stats().idle, 1U);
    co_return read;
}

TEST(RealResponses, ComeAsNamedEvents)
{
    REGOLO_NEEDS("responses");
    const auto read = run(read_response());
    const std::vector<std::string> wanted = {
        "response.created",           "response.in_progress",
        "response.output_item.added", "response.content_part.added",
        "response.output_text.delta", "response.output_text.done",
        "response.content_part.done", "response.output_item.done",
        "response.completed"};
    EXPECT_EQ(read.names, wanted);
    EXPECT_FALSE(read.done.empty());
    EXPECT_EQ(read.deltas, read.done);
    EXPECT_EQ(output_text(read.response), read.done);
    EXPECT_EQ(read.ended_as, stream_end::finished);
}

asio::awaitable<void> leave_response()
{
    const auto api = co_await make_client();
    const auto question = response_question(true);
    for (int i = 0; i != 3; ++i)
    {
        auto events = co_await api.stream_request({"POST", "/v1/responses", question});
        EXPECT_TRUE(co_await events.next());
        events.close();
        EXPECT_EQ(events.ended_as(), stream_end::closed);
    }
    const auto answer = co_await api.chat(short_question());
    EXPECT_FALSE(answer.text().empty());
    EXPECT_EQ(api.stats().calls, 0U);
}

TEST(RealResponses, LeftInTheirMiddleHurtNothing)
{
    REGOLO_NEEDS("responses");
    run(leave_response());
}

TEST(RealResponses, AreRefused)
{
    REGOLO_NEEDS("responses");
    REGOLO_NEEDS("keys");
    const auto ask = []() -> asio::awaitable<void> {
        const auto api = co_await make_client();
        call_options options;
        options.key = std::string_view("a-wrong-key");
        const auto question = response_question(true);
        const auto failure =
            co_await failure_of(api.stream_request({"POST", "/v1/responses", question}, options));
        EXPECT_EQ(failure.code, errc::unauthorized);
    };
    run(ask());
}

}  // namespace

}  // namespace regolo::test
