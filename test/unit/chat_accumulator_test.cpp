#include "case_file.hpp"
#include "core/piece_cutter.hpp"

#include <regolo/chat_accumulator.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace regolo::test {
namespace {

namespace json = boost::json;

chat_chunk chunk_of(std::string_view text)
{
    return from_json<chat_chunk>(json::parse(text)).value();
}

/// A chunk whose only choice has that delta.
chat_chunk delta_of(std::string_view delta)
{
    return chunk_of(R"({"choices":[{"index":0,"delta":)" + std::string(delta) + "}]}");
}

chat_response sum_of(std::initializer_list<std::string_view> deltas)
{
    chat_accumulator sum;
    for (const auto delta : deltas)
    {
        sum.add(delta_of(delta)).value();
    }
    return sum.take();
}

json::value or_null(const std::string& text)
{
    return text.empty() ? json::value() : json::value(text);
}

json::object plain(const chat_choice& choice)
{
    json::object out;
    const auto& message = choice.message;
    out["index"] = choice.index;
    out["role"] = message.role;
    out["content"] = message.content ? json::value(*message.content) : json::value();
    out["finish_reason"] = or_null(choice.finish_reason);
    if (message.reasoning)
    {
        out["reasoning"] = *message.reasoning;
    }
    for (const auto& call : message.tool_calls)
    {
        json::object one{{"id", call.id}, {"name", call.name}, {"arguments", call.arguments}};
        if (!out.contains("tool_calls"))
        {
            out["tool_calls"].emplace_array();
        }
        out["tool_calls"].get_array().push_back(std::move(one));
    }
    if (message.function_call)
    {
        out["function_call"] = {{"name", message.function_call->name},
                                {"arguments", message.function_call->arguments}};
    }
    if (choice.logprobs)
    {
        json::array tokens;
        for (const auto& token : choice.logprobs->content)
        {
            tokens.emplace_back(token.token);
        }
        out["logprob_tokens"] = tokens;
    }
    return out;
}

/// An answer in the form of the case file.
json::object plain(const chat_response& answer)
{
    json::object out;
    auto& choices = out["choices"].emplace_array();
    for (const auto& choice : answer.choices)
    {
        choices.push_back(plain(choice));
    }
    out["usage"] = answer.usage ? to_json(*answer.usage) : json::value();
    return out;
}

/// Runs the chunks of a case. False where one of them is refused, by the reader or by the accumulator.
bool run(const json::array& chunks, chat_accumulator& sum)
{
    for (const auto& one : chunks)
    {
        const auto chunk = from_json<chat_chunk>(one);
        if (!chunk)
        {
            EXPECT_EQ(chunk.error().code, errc::bad_response);
            return false;
        }
        if (const auto added = sum.add(*chunk); !added)
        {
            EXPECT_EQ(added.error().code, errc::bad_response);
            return false;
        }
    }
    return true;
}

/// The calls of choice 0 in the order in which they end, with their arguments, as pieces tell it: a call ends where another
/// one or the finish reason comes.
json::array ended_calls(const json::array& chunks)
{
    json::array ended;
    std::optional<std::pair<std::int64_t, std::string>> open;
    const auto end_call = [&] {
        if (open)
            ended.push_back(json::array{open->first, open->second});
        open.reset();
    };
    core::piece_cutter cutter;
    stream_piece piece;
    for (const auto& chunk : chunks)
    {
        cutter.refill() = from_json<chat_chunk>(chunk).value();
        cutter.start();
        while (cutter.pull(piece))
        {
            if (piece.kind == piece_kind::finish)
                end_call();
            if (piece.kind != piece_kind::tool_call)
                continue;
            if (!open || open->first != piece.tool_call.index)
            {
                end_call();
                open.emplace(piece.tool_call.index.value(), "");
            }
            open->second += piece.tool_call.arguments;
        }
    }
    return ended;
}

/// What pieces add up to is what the accumulator has.
void expect_same_pieces(const json::array& chunks, const chat_response& answer)
{
    std::map<std::int64_t, std::map<piece_kind, std::string>> told;
    std::optional<usage> tokens;
    core::piece_cutter cutter;
    stream_piece piece;
    for (const auto& chunk : chunks)
    {
        cutter.refill() = from_json<chat_chunk>(chunk).value();
        cutter.start();
        while (cutter.pull(piece))
        {
            auto& text = told[piece.choice][piece.kind];
            if (piece.kind == piece_kind::tool_call)
                text += piece.tool_call.arguments;
            else if (piece.kind == piece_kind::finish)
                text = piece.text;
            else
                text += piece.text;
            if (piece.kind == piece_kind::usage)
                tokens = piece.usage;
        }
    }
    for (const auto& choice : answer.choices)
    {
        auto& texts = told[choice.index];
        const auto& message = choice.message;
        EXPECT_EQ(texts[piece_kind::content], message.content.value_or(""));
        EXPECT_EQ(texts[piece_kind::reasoning], message.reasoning.value_or(""));
        EXPECT_EQ(texts[piece_kind::finish], choice.finish_reason);
        std::string arguments = message.function_call ? message.function_call->arguments : "";
        for (const auto& call : message.tool_calls)
            arguments += call.arguments;
        EXPECT_EQ(texts[piece_kind::tool_call], arguments);
    }
    ASSERT_EQ(tokens.has_value(), answer.usage.has_value());
    if (tokens)
    {
        EXPECT_EQ(to_json(*tokens), to_json(*answer.usage));
    }
}

/// The members of a case that a test looks at, or that are for people.
void expect_known_members(const json::object& one)
{
    static const std::set<std::string_view> known{
        "name",      "source",       "note",         "lenient", "chunks",          "final",
        "expect_id", "expect_model", "expect_extra", "error",   "tool_done_events"};
    for (const auto& member : one)
        EXPECT_TRUE(known.contains(member.key())) << member.key();
}

/// The content goes on in nearly every chunk, and nearly alone: what else the chunk brings must not get lost.
TEST(ChatAccumulator, TakesWhatComesBesideTheTextThatGoesOn)
{
    // members of the chunk, of the choice and of the delta
    constexpr std::string_view cases[][3] = {
        {R"("id":"x")", "", ""},
        {R"("model":"x")", "", ""},
        {R"("object":"chat.completion.chunk")", "", ""},
        {R"("created":7)", "", ""},
        {R"("system_fingerprint":"x")", "", ""},
        {R"("service_tier":"x")", "", ""},
        {R"("usage":{"total_tokens":3})", "", ""},
        {R"("odd":1)", "", ""},
        {"", R"("finish_reason":"stop")", ""},
        {"", R"("stop_reason":"x")", ""},
        {"", R"("logprobs":{"content":[{"token":"b","logprob":-1}]})", ""},
        {"", R"("odd":1)", ""},
        {"", "", R"("role":"assistant2")"},
        {"", "", R"("reasoning":"x")"},
        {"", "", R"("refusal":"x")"},
        {"", "", R"("tool_calls":[{"index":0,"id":"x","function":{"name":"f","arguments":"1"}}])"},
        {"", "", R"("function_call":{"name":"f","arguments":"1"})"},
        {"", "", R"("annotations":[1])"},
        {"", "", R"("odd":1)"},
    };
    const auto member = [](std::string_view text) {
        return text.empty() ? std::string() : std::string(",").append(text);
    };
    const auto chunk = [&](const std::string_view(&more)[3], bool with_text) {
        const std::string text = R"("content":"b")";
        const std::string delta = with_text ? text + member(more[2]) : std::string(more[2]);
        return chunk_of(R"({"choices":[{"index":0,"delta":{)" + delta + "}" + member(more[1]) +
                        "}]" + member(more[0]) + "}");
    };
    constexpr std::string_view nothing[3] = {};
    for (const auto& more : cases)
    {
        // beside the text, and in a chunk of its own
        chat_accumulator together;
        together.add(delta_of(R"({"content":"a"})")).value();
        together.add(chunk(more, true)).value();
        chat_accumulator apart;
        apart.add(delta_of(R"({"content":"a"})")).value();
        apart.add(chunk(nothing, true)).value();
        apart.add(chunk(more, false)).value();
        EXPECT_EQ(to_json(together.response()), to_json(apart.response()))
            << more[0] << more[1] << more[2];
        EXPECT_EQ(together.text(), "ab");
        chat_accumulator without;
        without.add(delta_of(R"({"content":"a"})")).value();
        without.add(chunk(nothing, true)).value();
        EXPECT_NE(to_json(together.response()), to_json(without.response()))
            << more[0] << more[1] << more[2];
    }
}

TEST(ChatAccumulator, TextThatGoesOnBehindAPictureIsAPart)
{
    const auto answer = sum_of({R"({"content":"a"})",
                                R"({"content":[{"type":"image_url","image_url":{"url":"u"}}]})",
                                R"({"content":"b"})", R"({"content":"c"})"});
    ASSERT_EQ(answer.choices.size(), 1U);
    const auto& parts = answer.choices[0].message.parts;
    ASSERT_EQ(parts.size(), 3U);
    EXPECT_EQ(parts[0].text, "a");
    EXPECT_EQ(parts[2].text, "bc");
}

TEST(ChatAccumulator, AgreesWithTheRecordedCases)
{
    const auto cases = load_cases("chat_accumulate_cases.jsonl");
    ASSERT_GE(cases.size(), 27U);
    for (const auto& one : cases)
    {
        SCOPED_TRACE(text_of(one, "name"));
        chat_accumulator sum;
        expect_known_members(one);
        const auto& chunks = one.at("chunks").as_array();
        const bool taken = run(chunks, sum);
        EXPECT_EQ(taken, !one.contains("error"));
        EXPECT_NE(one.contains("error"), one.contains("final"));
        if (!one.contains("final"))
        {
            continue;
        }
        const auto answer = sum.response();
        EXPECT_EQ(json::value(plain(answer)), one.at("final"));
        expect_same_pieces(chunks, answer);
        if (const auto* ended = one.if_contains("tool_done_events"))
        {
            EXPECT_EQ(json::value(ended_calls(chunks)), *ended);
        }
        if (one.contains("expect_id"))
        {
            EXPECT_EQ(answer.id, text_of(one, "expect_id"));
            EXPECT_EQ(answer.model, text_of(one, "expect_model"));
        }
        if (const auto* extra = one.if_contains("expect_extra"))
        {
            const auto whole = to_json(answer).as_object();
            for (const auto& member : extra->as_object())
            {
                EXPECT_EQ(whole.at(member.key()), member.value());
            }
        }
    }
}

TEST(ChatAccumulator, TellsCallsOfOneIndexApartByTheirIds)
{
    const auto answer = sum_of({
        R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]})",
        R"({"tool_calls":[{"index":0,"function":{"arguments":"}"}}]})",
        R"({"tool_calls":[{"index":0,"id":"b","function":{"name":"g","arguments":"["}}]})",
        R"({"tool_calls":[{"index":0,"function":{"arguments":"]"}}]})",
        R"({"tool_calls":[{"index":0,"id":"a","function":{"arguments":" "}}]})",
    });
    ASSERT_EQ(answer.tool_calls().size(), 2U);
    EXPECT_EQ(answer.tool_calls()[0].arguments, "{} ");
    EXPECT_EQ(answer.tool_calls()[1].id, "b");
    EXPECT_EQ(answer.tool_calls()[1].arguments, "[]");
}

TEST(ChatAccumulator, TellsCallsWithoutIndexApartById)
{
    const auto answer = sum_of({
        R"({"tool_calls":[{"id":"a","function":{"name":"f","arguments":"1"}},
                          {"id":"b","function":{"name":"f","arguments":"2"}}]})",
        R"({"tool_calls":[{"id":"a","function":{"arguments":"3"}}]})",
        R"({"tool_calls":[{"function":{"arguments":"4"}}]})",
    });
    ASSERT_EQ(answer.tool_calls().size(), 2U);
    EXPECT_EQ(answer.tool_calls()[0].arguments, "13");
    EXPECT_EQ(answer.tool_calls()[1].arguments, "24");
}

TEST(ChatAccumulator, TakesWholeCallsWithoutIndexAndIdForSeparateOnes)
{
    const auto answer = sum_of({
        R"({"tool_calls":[{"function":{"name":"f","arguments":"{}"}},
                          {"function":{"name":"f","arguments":"{}"}},
                          {"function":{"name":"g","arguments":""}}]})",
        R"({"tool_calls":[{"function":{"name":"g","arguments":"{}"}}]})",
    });
    ASSERT_EQ(answer.tool_calls().size(), 3U);
    EXPECT_EQ(answer.tool_calls()[1].arguments, "{}");
    EXPECT_EQ(answer.tool_calls()[2].arguments, "{}");
}

TEST(ChatAccumulator, JoinsInterleavedCalls)
{
    const auto answer = sum_of({
        R"({"tool_calls":[{"index":1,"id":"b","function":{"name":"g","arguments":"x"}}]})",
        R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"1"}}]})",
        R"({"tool_calls":[{"index":1,"function":{"arguments":"y"}}]})",
        R"({"tool_calls":[{"index":0,"function":{"arguments":"2"}}]})",
    });
    ASSERT_EQ(answer.tool_calls().size(), 2U);
    EXPECT_EQ(answer.tool_calls()[0].arguments, "12");
    EXPECT_EQ(answer.tool_calls()[1].arguments, "xy");
}

TEST(ChatAccumulator, LeavesItsStateAloneWhenAChunkIsRefused)
{
    chat_accumulator sum(4);
    sum.add(delta_of(R"({"content":"a"})")).value();
    chat_chunk bad = chunk_of(R"({"id":"other","choices":[{"index":0,"delta":{"content":"b"}}]})");
    bad.choices.emplace_back().index = 4;
    const auto refused = sum.add(bad);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::bad_response);
    EXPECT_NE(refused.error().message.find("limits::index (4)"), std::string::npos);
    EXPECT_EQ(sum.text(), "a");
    EXPECT_EQ(sum.response().id, "");

    bad.choices.back().index = 3;
    bad.choices.back().delta.tool_calls.emplace_back().index = -1;
    EXPECT_FALSE(sum.add(bad));
    bad.choices.back().delta.tool_calls.back().index = 3;
    EXPECT_TRUE(sum.add(bad));
    EXPECT_EQ(sum.text(), "ab");
}

TEST(ChatAccumulator, KeepsUnknownMembersOfEveryLevel)
{
    chat_accumulator sum;
    sum.add(chunk_of(R"({"p":"xx","choices":[{"index":0,"token_ids":[1],"delta":{
        "audio":{"id":"id7","data":"ab"},"details":[{"n":1}],"tool_calls":[
        {"index":0,"id":"a","x":1,"function":{"name":"f","arguments":"","y":"p"}}]}}]})"))
        .value();
    sum.add(chunk_of(R"({"p":"y","choices":[{"index":0,"token_ids":[2],"delta":{
        "audio":{"id":"id7","data":"cd"},"details":[{"n":2}],"tool_calls":[
        {"index":0,"x":null,"function":{"y":"q"}}]}}]})"))
        .value();
    const auto answer = sum.response();
    EXPECT_EQ(answer.extra.at("p"), "y");
    EXPECT_EQ(answer.choices[0].extra.at("token_ids"), json::parse("[1,2]"));
    const auto& message = answer.message();
    EXPECT_EQ(message.extra.at("audio"), json::parse(R"({"id":"id7","data":"abcd"})"));
    EXPECT_EQ(message.extra.at("details"), json::parse(R"([{"n":1},{"n":2}])"));
    EXPECT_EQ(message.tool_calls.at(0).extra.at("x"), 1);
    EXPECT_EQ(message.tool_calls.at(0).function_extra.at("y"), "pq");
}

TEST(ChatAccumulator, IsFinishedWhenEveryChoiceIs)
{
    chat_accumulator sum;
    EXPECT_FALSE(sum.finished());
    sum.add(chunk_of(R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"},
                                    {"index":1,"delta":{}}]})"))
        .value();
    EXPECT_FALSE(sum.finished());
    sum.add(chunk_of(R"({"choices":[{"index":1,"delta":{},"finish_reason":"length"}]})")).value();
    EXPECT_TRUE(sum.finished());
    sum.add(chunk_of(R"({"choices":[{"index":0,"delta":{},"finish_reason":null}]})")).value();
    EXPECT_TRUE(sum.finished());
}

TEST(ChatAccumulator, IsEmptyAfterItsAnswerWasTaken)
{
    chat_accumulator sum;
    sum.add(delta_of(R"({"content":"a","tool_calls":[{"index":0,"id":"a"}]})")).value();
    EXPECT_EQ(sum.take().text(), "a");
    EXPECT_EQ(sum.text(), "");
    EXPECT_TRUE(sum.response().choices.empty());
    sum.add(delta_of(R"({"content":"b","tool_calls":[{"index":0,"id":"b"}]})")).value();
    const auto second = sum.take();
    EXPECT_EQ(second.text(), "b");
    ASSERT_EQ(second.tool_calls().size(), 1U);
    EXPECT_EQ(second.message().role, "assistant");
}

TEST(ChatAccumulator, KeepsCallsApartThatBelongToLaterChoices)
{
    // a choice that comes late moves the ones behind it
    chat_accumulator sum;
    for (const auto* index : {"3", "1", "2", "0", "3", "0"})
    {
        sum.add(chunk_of(R"({"choices":[{"index":)" + std::string(index) +
                         R"(,"delta":{"tool_calls":[{"index":0,"function":{"arguments":")" + index +
                         R"("}}]}}]})"))
            .value();
    }
    const auto answer = sum.take();
    ASSERT_EQ(answer.choices.size(), 4U);
    EXPECT_EQ(answer.choices[0].message.tool_calls.at(0).arguments, "00");
    EXPECT_EQ(answer.choices[1].message.tool_calls.at(0).arguments, "1");
    EXPECT_EQ(answer.choices[3].message.tool_calls.at(0).arguments, "33");
}

/// CPU time to add that many pieces of 8 bytes to the arguments of a tool call and to unknown members.
double seconds_for(std::size_t pieces)
{
    const auto piece = delta_of(
        R"({"content":"12345678","log":"87654321","tool_calls":[{"index":0,"function":{"arguments":"12345678"}}]})");
    chat_accumulator sum;
    const auto start = std::clock();
    for (std::size_t i = 0; i < pieces; ++i)
    {
        sum.add(piece).value();
    }
    const auto answer = sum.take();
    EXPECT_EQ(answer.tool_calls().at(0).arguments.size(), pieces * 8);
    return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

/// "index id name arguments" of each call, one after the other.
std::string calls_of(std::initializer_list<std::string_view> deltas)
{
    std::string text;
    const auto answer = sum_of(deltas);
    for (const auto& call : answer.tool_calls())
        text += call.id + ' ' + call.name + ' ' + call.arguments + '|';
    return text;
}

TEST(ChatAccumulator, ToolCallsAreInTheOrderOfTheirIndex)
{
    EXPECT_EQ(
        calls_of({
            R"({"tool_calls":[{"index":2,"id":"c","function":{"name":"h","arguments":"1"}},
                                    {"index":0,"id":"a","function":{"name":"f","arguments":"2"}}]})",
            R"({"tool_calls":[{"index":1,"id":"b","function":{"name":"g","arguments":"3"}},
                                    {"index":2,"function":{"arguments":"4"}},
                                    {"index":0,"function":{"arguments":"5"}}]})",
            R"({"tool_calls":[{"id":"c","function":{"arguments":"6"}},
                                    {"function":{"arguments":"7"}}]})",
            R"({"tool_calls":[{"index":0,"id":"d","function":{"name":"f","arguments":"8"}}]})",
        }),
        "a f 25|d f 8|b g 37|c h 146|");
}

TEST(ChatAccumulator, ToolCallsWithoutIdsAreToldApart)
{
    EXPECT_EQ(
        calls_of(
            {R"({"tool_calls":[{"function":{"name":"f"}},{"function":{"name":"f","arguments":" {} "}}]})",
             R"({"tool_calls":[{"function":{"arguments":"{}"}}]})"}),
        " f | f  {} {}|");
    EXPECT_EQ(
        calls_of(
            {R"({"tool_calls":[{"index":0,"function":{"name":"w","arguments":"{\"a\":1}"}}]})",
             R"({"tool_calls":[{"index":0,"function":{"name":"v","arguments":"{\"a\":2}"}}]})"}),
        R"( w {"a":1}| v {"a":2}|)");
}

TEST(ChatAccumulator, UnknownTextsArePiecesAndLabelsAreNot)
{
    const auto answer = sum_of({
        R"({"content":"a","thoughts":"ha","audio":{"id":"x","data":"AAAA","format":"wav"}})",
        R"({"thoughts":"ha","audio":{"id":"x","data":"AAAA","format":"wav"}})",
        R"({"thoughts":"ha","audio":{"data":"BBBB"}})",
    });
    EXPECT_EQ(
        answer.message().extra,
        json::parse(
            R"({"thoughts":"hahaha","audio":{"id":"x","data":"AAAAAAAABBBB","format":"wav"}})"));
}

TEST(ChatAccumulator, KeepsThePartsOfAContent)
{
    const auto answer = sum_of({
        R"({"role":"assistant","content":"See "})",
        R"({"content":[{"type":"text","text":"this: "},{"type":"image_url","image_url":{"url":"u"}}]})",
        R"({"content":"There"})",
        R"({"content":"!"})",
    });
    EXPECT_EQ(answer.text(), "See this: There!");
    EXPECT_EQ(to_json(answer.message()).at("content"),
              json::parse(R"([{"type":"text","text":"See this: "},
                              {"type":"image_url","image_url":{"url":"u"}},
                              {"type":"text","text":"There!"}])"));
}

TEST(ChatAccumulator, IsLinearInItsInput)
{
    const auto small = std::min({seconds_for(4096), seconds_for(4096), seconds_for(4096)});
    const auto large = seconds_for(4096 * 16);
    // sixteen times the input; quadratic would be 256 times the time
    EXPECT_LT(large, small * 64 + 0.02);
}

/// CPU time to begin that many tool calls, each of which comes before one that is there already.
double seconds_for_calls(int calls)
{
    const auto began = std::clock();
    chat_accumulator sum;
    for (int i = 0; i != calls; ++i)
    {
        sum.add(chunk_of(R"({"choices":[{"index":0,"delta":{"tool_calls":[{"index":)" +
                         std::string(i == 0 ? "1" : "0") + R"(,"id":"call_)" + std::to_string(i) +
                         R"("}]}}]})"))
            .value();
    }
    const auto answer = sum.take();
    EXPECT_EQ(answer.tool_calls().front().id, "call_1");
    EXPECT_EQ(answer.tool_calls().back().id, "call_0");
    return static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
}

TEST(ChatAccumulator, IsLinearInTheNumberOfCalls)
{
    const auto small =
        std::min({seconds_for_calls(1024), seconds_for_calls(1024), seconds_for_calls(1024)});
    const auto large = seconds_for_calls(1024 * 16);
    EXPECT_LT(large, small * 64 + 0.02);
}

}  // namespace
}  // namespace regolo::test
