#include "integration/client_fixture.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <tuple>
#include <vector>

// Answers of servers that do HTTP or event streams their own way: the right result, or an error that says what happened.

namespace regolo::test {

namespace {

std::string events(std::string_view newline = "\n", bool with_done = true)
{
    std::string body;
    for (const auto& data : {chunk_json("Hello "), chunk_json("Rome", "stop")})
        body.append("data: ").append(data).append(newline).append(newline);
    if (with_done)
        body.append("data: [DONE]").append(newline).append(newline);
    return body;
}

/// The body as an answer with Content-Length.
script whole(std::string_view content_type, std::string_view body, std::string_view more = {})
{
    return script().respond(200, content_type, body, more);
}

script chunked(std::string_view body, std::string_view more_headers = {})
{
    return script().start_stream(more_headers).send(http_chunk(body)).end_stream();
}

struct odd_answer
{
    std::string name;
    script answer;
    // what is expected of a stream
    std::string text;
    stream_end ended_as = stream_end::done;
    errc code{};       // of the failure; none: success
    std::string told;  // part of what()
    std::string told_as_well = {};
};

odd_answer good(std::string name, script answer, stream_end ended_as = stream_end::done)
{
    return {std::move(name), std::move(answer), "Hello Rome", ended_as, {}, {}};
}

odd_answer bad(std::string name, script answer, errc code, std::string told, std::string text = {},
               std::string told_as_well = {})
{
    return {std::move(name), std::move(answer),      std::move(text), stream_end::failed, code,
            std::move(told), std::move(told_as_well)};
}

std::vector<odd_answer> odd_answers()
{
    const std::string done_without_newline = events().substr(0, events().size() - 2);
    const std::string http10 =
        "HTTP/1.0 200 OK\r\nServer: BaseHTTP/0.6\r\nContent-Type: text/event-stream\r\n\r\n";
    const std::string early =
        "HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n"
        "HTTP/1.1 100 Continue\r\n\r\n";
    const std::string chunked_head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    std::string decorated = chunked_head;
    {
        char size[20];
        const auto body = events();
        std::snprintf(size, sizeof size, "%zX", body.size());
        decorated.append(size).append(";name=value;quoted=\"a b\"\r\n").append(body);
        decorated += "\r\n0;last\r\nx-checksum: 17\r\nx-other:\r\n\r\n";
    }
    const std::string html = "<html><head><title>502 Bad Gateway</title></head></html>";
    const std::string error_body =
        R"({"error":{"message":"The model is asleep","type":"server_error","code":"500"}})";

    return {
        good("Http10ClosedByPeer", script().send(http10 + events()).fin()),
        good("Http10WithoutDone", script().send(http10 + events("\n", false)).fin(),
             stream_end::finished),
        bad("Http10CutInTheMiddle",
            script().send(http10 + "data: " + chunk_json("Hello ") + "\n\n").fin(), errc::truncated,
            "ended after 1 event without [DONE]", "Hello "),
        good("DoneWithoutNewline", chunked(done_without_newline)),
        good("DoneWithoutNewlineOnClose", script().send(http10 + done_without_newline).fin()),
        good("TextPlain", whole("text/plain; charset=utf-8", events())),
        good("NoContentType",
             script().send("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + events()).fin()),
        good("CrLfEvents", chunked(events("\r\n"))),
        good("CrLfByteByByte",
             script().start_stream().send_pieces(http_chunk(events("\r\n")), 1).end_stream()),
        good("CrEvents", chunked(events("\r"))),
        bad("ErrorField", chunked("error: {\"message\":\"out of memory\",\"code\":500}\n\n"),
            errc::server_error, "out of memory"),
        bad("ErrorFieldOfPlainText", chunked("error: the engine died\n\n"), errc::api_error,
            "the engine died"),
        bad("ErrorEvent",
            chunked("event: error\ndata: {\"error\":{\"message\":\"too long\",\"code\":400}}\n\n"),
            errc::bad_request, "too long"),
        good("EmptyHeaderValues",
             chunked(events(), "x-empty:\r\nx-blank:   \r\nx-request-id: \r\n")),
        bad("DeadStreamEndedCleanly", chunked("data: " + chunk_json("Hello ") + "\n\n"),
            errc::truncated, "ended after 1 event without [DONE]", "Hello "),
        bad("EmptyStream", chunked(""), errc::truncated, "empty body instead of a stream"),
        good("EarlyHints", script().send(early + chunked_head + http_chunk(events())).end_stream()),
        good("EarlyHintsByteByByte",
             script().send_pieces(early + chunked_head + http_chunk(events()), 1).end_stream()),
        good("ChunkExtensionsAndTrailers", script().send(decorated)),
        good("ChunkExtensionsByteByByte", script().send_pieces(decorated, 1)),
        bad("EmptyChunkedBodyByteByByte", script().send_pieces(chunked_head + "0\r\n\r\n", 1),
            errc::truncated, "empty body instead of a stream"),
        bad("Gzip", whole("text/event-stream", "\x1f\x8b\x08", "content-encoding: gzip\r\n"),
            errc::unsupported_encoding, "gzip"),
        bad("GzipOnTheWay",
            script().send("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n" +
                          http_chunk("\x1f\x8b")),
            errc::unsupported_encoding, "gzip, chunked"),
        bad("PageInTheMiddle", chunked("data: " + chunk_json("Hello ") + "\n\n" + html + "\n"),
            errc::truncated, "a page of HTML among the events", "Hello ", "502 Bad Gateway"),
        bad("TextInTheMiddle",
            chunked("data: " + chunk_json("Hello ") + "\n\nupstream connect error: reset"),
            errc::truncated, "ended after 1 event without [DONE]", "Hello ",
            "upstream connect error: reset"),
        bad("ErrorOfSeveralLinesInTheMiddle",
            chunked(
                "data: " + chunk_json("Hello ") +
                "\n\n{\n  \"error\": {\n    \"message\": \"asleep\",\n    \"code\": 503\n  }\n}\n"),
            errc::unavailable, "asleep", "Hello "),
        bad("TextInsteadOfStream", whole("text/plain", "hello"), errc::bad_response,
            "no event stream (content type \"text/plain\")", {}, "\"hello\""),
        good("SpacesAroundDone",
             chunked(events("\n", false) + "data: null\n\ndata:   [DONE] \n\n")),
        bad("Redirect",
            script().respond(308, "text/html", html, "location: https://elsewhere.example/v1\r\n"),
            errc::redirected, "https://elsewhere.example/v1"),
        bad("Html502", script().respond(502, "text/html", html), errc::unavailable, "502", {},
            "502 Bad Gateway"),
        bad("Html200", whole("text/html", html), errc::bad_response, "HTML", {}, "base_url"),
        bad("JsonErrorWith200", whole("application/json", error_body), errc::server_error,
            "The model is asleep"),
        good("WholeAnswerInsteadOfStream", whole("application/json", answer_json("Hello Rome")),
             stream_end::finished),
        bad("SwitchesProtocols", script().send("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
            errc::bad_response, "breaks HTTP"),
        bad("EndlessInterimAnswers", script().stream([](std::string& piece) {
            piece.clear();
            for (int i = 0; i < 100; ++i)
                piece += "HTTP/1.1 100 Continue\r\n\r\n";
            return true;
        }),
            errc::too_large, "limits::head"),
        // The answer is complete before them; the connection is not used again.
        good("EndlessTrailers", script()
                                    .send(chunked_head + http_chunk(events()) + "0\r\n")
                                    .stream([](std::string& piece) {
                                        piece = "x-more: " + std::string(8000, '.') + "\r\n";
                                        return true;
                                    })),
        bad("WordsOfAnErrorThatIsCut",
            script()
                .send("HTTP/1.1 400 Bad Request\r\ncontent-length: "
                      "1000\r\n\r\n{\"error\":{\"message\":"
                      "\"too long\"}}")
                .fin(),
            errc::bad_request, "the server says \"too long\""),
        bad("NoHttp", script().send("SSH-2.0-OpenSSH_9.2\r\n").fin(), errc::bad_response,
            "breaks HTTP"),
        bad("BadChunkSize", script().send(chunked_head + "zz\r\ndata\r\n"), errc::bad_response,
            "breaks HTTP"),
        bad("CutInTheBody",
            script()
                .send(chunked_head + http_chunk("data: " + chunk_json("Hello ") + "\n\n") +
                      "ff\r\nda")
                .fin(),
            errc::connection_lost, "in the middle of the response body", "Hello "),
        bad("NoAnswer", script().fin(), errc::connection_lost, "without an answer"),
        bad("CutInTheHead", script().send("HTTP/1.1 200 O").fin(), errc::connection_lost,
            "in the middle of the response head"),
        bad("EventIsNoJson", chunked("data: [DONE\n\n"), errc::bad_response, "JSON"),
    };
}

class OddAnswer : public ::testing::TestWithParam<std::tuple<bool, std::size_t>>
{
protected:
    OddAnswer()
        : server(std::get<0>(GetParam()) ? server_options::https() : server_options::plain())
    {}

    test_server server;
    const odd_answer expected = odd_answers().at(std::get<1>(GetParam()));
};

TEST_P(OddAnswer, GivesTheRightResultOrTheRightError)
{
    server.on_request([&](const received_request&) { return expected.answer; });
    auto config = config_for(server);
    config.retry.max_retries = 0;
    const auto got = run(stream_once(config, question()));
    EXPECT_EQ(got.text, expected.text);
    EXPECT_EQ(got.ended_as, expected.ended_as);
    EXPECT_EQ(server.counts().requests, 1U);
    if (expected.code == errc())
    {
        EXPECT_FALSE(got.failure) << describe(*got.failure);
        return;
    }
    ASSERT_TRUE(got.failure);
    EXPECT_EQ(got.failure->code, expected.code) << describe(*got.failure);
    EXPECT_TRUE(contains(describe(*got.failure), expected.told));
    EXPECT_TRUE(contains(describe(*got.failure), expected.told_as_well));
    EXPECT_TRUE(got.failure->sent);
}

std::string odd_answer_name(const ::testing::TestParamInfo<std::tuple<bool, std::size_t>>& info)
{
    return odd_answers().at(std::get<1>(info.param)).name +
           (std::get<0>(info.param) ? "Tls" : "Plain");
}

INSTANTIATE_TEST_SUITE_P(Servers, OddAnswer,
                         ::testing::Combine(::testing::Bool(),
                                            ::testing::Range(std::size_t(0), odd_answers().size())),
                         odd_answer_name);

TEST(OddTlsEnd, Http10BodyCutWithoutCloseNotifyIsNoWholeAnswer)
{
    test_server server;
    const std::string head = "HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
    server.enqueue(script().expect_request().send(head + events("\n", false)).cut_tls());
    const auto got = run(stream_once(config_for(server), question()));
    ASSERT_TRUE(got.failure);
    EXPECT_EQ(got.failure->code, errc::connection_lost);
    EXPECT_TRUE(contains(describe(*got.failure), "close_notify"));
}

TEST(OddAnswers, AWholeAnswerThatIsAStreamIsToldApart)
{
    test_server server(server_options::plain());
    server.enqueue(script().expect_request().then(chunked(events())));
    const auto got = run(chat_once(config_for(server), question()));
    ASSERT_TRUE(got.has_error());
    EXPECT_EQ(got.error().code, errc::bad_response) << describe(got.error());
}

TEST(OddAnswers, TrailersOfAWholeAnswerAreBounded)
{
    test_server server(server_options::plain());
    server.enqueue(script()
                       .expect_request()
                       .send(http_head(200, "transfer-encoding: chunked\r\n") +
                             http_chunk(answer_json("yes")) + "0\r\n")
                       .stream([](std::string& piece) {
                           piece = "x-more: " + std::string(8000, '.') + "\r\n";
                           return true;
                       }));
    const auto got = run(chat_once(config_for(server), question()));
    ASSERT_TRUE(got.has_error());
    EXPECT_EQ(got.error().code, errc::too_large) << describe(got.error());
    EXPECT_TRUE(contains(describe(got.error()), "trailers"));
}

TEST(OddAnswers, AnEmptyWholeAnswerIsNoJson)
{
    test_server server(server_options::plain());
    server.enqueue(script().expect_request().respond(200, "application/json", ""));
    const auto got = run(chat_once(config_for(server), question()));
    ASSERT_TRUE(got.has_error());
    EXPECT_EQ(got.error().code, errc::bad_response) << describe(got.error());
    EXPECT_TRUE(contains(describe(got.error()), "empty body"));
}

TEST(OddAnswers, TextInsteadOfAWholeAnswerIsShown)
{
    test_server server(server_options::plain());
    server.enqueue(script().expect_request().respond(200, "text/plain", "backend asleep"));
    const auto got = run(chat_once(config_for(server), question()));
    ASSERT_TRUE(got.has_error());
    EXPECT_EQ(got.error().code, errc::bad_response) << describe(got.error());
    EXPECT_TRUE(contains(describe(got.error()), "not valid JSON but text"));
    EXPECT_TRUE(contains(describe(got.error()), "backend asleep"));
}

TEST(OddAnswers, AnErrorUnderTheStatusOfSuccessIsNoStream)
{
    test_server server(server_options::plain());
    auto config = config_for(server);
    config.retry.max_retries = 0;
    server.enqueue(script().expect_request().respond(
        200, "application/json",
        R"({"choices":[{"index":0,"error":{"message":"m","code":502.0}}]})"));
    const auto got = run(chat_once(config, question()));
    ASSERT_TRUE(got.has_error());
    EXPECT_EQ(got.error().code, errc::unavailable) << describe(got.error());
    EXPECT_EQ(got.error().server_code, "502");
    EXPECT_TRUE(contains(describe(got.error()), "the answer is an error"));
}

}  // namespace

}  // namespace regolo::test
