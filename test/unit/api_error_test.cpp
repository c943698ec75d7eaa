#include "core/api_error.hpp"

#include "core/json_tape.hpp"
#include "wire_file.hpp"

#include <boost/json/parse.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace regolo::test {
namespace {

using core::decode_error;
using core::decode_error_frame;
using core::decode_error_text;
using core::response_head;

constexpr std::chrono::system_clock::time_point now{};

error_info decode(int status, std::string_view body, std::vector<header> headers = {})
{
    response_head head;
    head.status = status;
    head.headers = std::move(headers);
    return decode_error(head, body, now);
}

error_info text_frame(std::string_view text)
{
    return decode_error_text(text, core::error_place::stream);
}

error_info frame_of(const boost::json::value& json)
{
    return decode_error_frame(core::json_tape(json).root(), core::error_place::stream);
}

error_info frame(std::string_view json) { return frame_of(boost::json::parse(json)); }

bool is_frame(std::string_view json)
{
    const auto tree = boost::json::parse(json);
    return core::is_error_frame(core::json_tape(tree).root());
}

struct shape
{
    std::string_view body;
    std::string_view message;
    std::string_view type;
    std::string_view code;
    std::string_view param;
};

TEST(ApiError, ReadsEveryShape)
{
    const shape rows[] = {
        {R"({"error":{"message":"m","type":"auth_error","param":"None","code":"401"}})", "m",
         "auth_error", "401", ""},
        {R"({"error":{"message":{"error":"Invalid model name"},"type":"None","param":"None","code":"400"}})",
         "Invalid model name", "", "400", ""},
        {R"({"error":{"message":"{'error': 'Invalid model name passed in model=X. It\\'s wrong'}","code":"400"}})",
         "Invalid model name passed in model=X. It's wrong", "", "400", ""},
        {R"({"error":{"message":"{'error': \"it's\"}"}})", "it's", "", "", ""},
        {R"({"error":{"message":{"error":"over TPM"},"type":"None","param":"None","code":429}})",
         "over TPM", "", "429", ""},
        {R"({"detail":{"error":{"code":"c","message":"m","param":"p","type":"t"}}})", "m", "t", "c",
         "p"},
        {R"({"detail":[{"loc":["body","messages",0],"msg":"field required","type":"missing"},{"loc":["body"],"msg":"bad"}]})",
         "body.messages.0: field required; body: bad", "", "", ""},
        {R"({"detail":"Not authenticated"})", "Not authenticated", "", "", ""},
        {R"({"detail":["a","b"]})", "a; b", "", "", ""},
        {R"({"error":"overloaded"})", "overloaded", "", "", ""},
        {R"({"error":"Not Found","message":"Cannot GET /v1/nope","status":404})",
         "Cannot GET /v1/nope", "Not Found", "404", ""},
        {R"({"object":"error","message":"m","type":"BadRequestError","param":null,"code":400})",
         "m", "BadRequestError", "400", ""},
        {R"({"html-message":"fetch failed"})", "fetch failed", "", "", ""},
        {R"({"status":"failure","message":"Something went wrong"})", "Something went wrong", "",
         "failure", ""},
        {R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})",
         "Overloaded", "overloaded_error", "", ""},
        {R"({"errors":[{"message":"m","code":7}]})", "m", "", "7", ""},
        {R"([{"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}])", "m", "", "503", ""},
        {R"({"title":"Bad","status":400})", "Bad", "", "400", ""},
        {R"({"error":{}})", "", "", "", ""},
        {R"({"error":{"message":null,"code":null}})", "", "", "", ""},
        {R"("just text")", "just text", "", "", ""},
        {"File Not Found (/v1/models)", "File Not Found (/v1/models)", "", "", ""},
        {"data: {\"error\":{\"message\":\"m\"}}\n\n", "m", "", "", ""},
        {"event: error\ndata: {\"error\":{\"message\":\"m\"}}", "m", "", "", ""},
        {"<html>\n<head><title>502 Bad Gateway</title></head></html>", "502 Bad Gateway", "", "",
         ""},
        {"<h1>Oops</h1>", "Oops", "", "", ""},
        {"<p>", "", "", "", ""},
        {R"({"error":{"message":"cut of)", R"({"error":{"message":"cut of)", "", "", ""},
        {"bad \xFF", "bad \xEF\xBF\xBD", "", "", ""},
        {R"({"error":{"message":"half \ud83d"}})", "half \xEF\xBF\xBD", "", "", ""},
        {"", "", "", "", ""},
        {"null", "null", "", "", ""},
    };
    for (const shape& row : rows)
    {
        const error_info info = decode(500, row.body);
        EXPECT_EQ(info.server_message, row.message) << row.body;
        EXPECT_EQ(info.server_type, row.type) << row.body;
        EXPECT_EQ(info.server_code, row.code) << row.body;
        EXPECT_EQ(info.server_param, row.param) << row.body;
        EXPECT_EQ(info.code, errc::server_error) << row.body;
        EXPECT_FALSE(info.message.empty());
    }
}

// What LiteLLM 1.108 answered: it appends the name of the model to every error of a back end.
TEST(ApiError, TellsAMissingModelFromOtherThingsThatAreMissing)
{
    const auto code_of = [](std::string_view words) {
        return decode(400, R"({"error":{"message":"litellm.BadRequestError: )" +
                               std::string(words) +
                               R"(\n\nLiteLLM: model group 'm' failed with the error above.",)"
                               R"("type":"invalid_request_error","param":null,"code":"400"}})")
            .code;
    };
    EXPECT_EQ(code_of("You passed in model=m. There are no healthy deployments for this model"),
              errc::not_found);
    EXPECT_EQ(code_of("The model `m` does not exist."), errc::not_found);
    EXPECT_EQ(code_of("OpenAIException - Tool 'weather' not found in tools"), errc::bad_request);
    EXPECT_EQ(code_of("Hosted_vllmException - 404, message='Not Found', url='https://x/cat.png'"),
              errc::bad_request);
}

struct status_row
{
    int status;
    errc code;
};

TEST(ApiError, MapsEveryStatus)
{
    const status_row rows[] = {
        {301, errc::redirected},        {308, errc::redirected},
        {400, errc::bad_request},       {401, errc::unauthorized},
        {402, errc::quota_exhausted},   {403, errc::permission_denied},
        {404, errc::not_found},         {405, errc::bad_request},
        {406, errc::bad_request},       {407, errc::proxy_refused},
        {408, errc::request_timeout},   {409, errc::conflict},
        {413, errc::payload_too_large}, {415, errc::bad_request},
        {418, errc::api_error},         {422, errc::bad_request},
        {424, errc::api_error},         {429, errc::rate_limited},
        {500, errc::server_error},      {501, errc::server_error},
        {502, errc::unavailable},       {503, errc::unavailable},
        {504, errc::unavailable},       {529, errc::unavailable},
        {599, errc::server_error},
    };
    for (const status_row& row : rows)
    {
        const error_info info = decode(row.status, "");
        EXPECT_EQ(info.code, row.code) << row.status;
        EXPECT_EQ(info.http_status, row.status);
        EXPECT_EQ(core::effective_status(info), row.status);
        EXPECT_TRUE(info.sent);
        EXPECT_FALSE(info.message.empty());
    }
}

TEST(ApiError, TellsAnExhaustedBudgetFromARateLimit)
{
    for (const std::string_view name :
         {"budget_exceeded", "insufficient_quota", "credit_balance_exhausted",
          "organization_spend_limit_exceeded", "project_spend_limit_exceeded",
          "organization_usage_limit_exceeded", "billing_hard_limit_reached"})
    {
        for (const std::string_view member : {"code", "type"})
        {
            std::string body = R"({"error":{")";
            body.append(member).append(R"(":")").append(name).append(R"("}})");
            EXPECT_EQ(decode(429, body).code, errc::quota_exhausted) << body;
            EXPECT_EQ(decode(400, body).code, errc::quota_exhausted) << body;
            EXPECT_TRUE(core::is_exhausted(decode(429, body)));
        }
    }
    const error_info limited = decode(429, R"({"error":{"code":"budget_exceeded_soon"}})");
    EXPECT_EQ(limited.code, errc::rate_limited);
    EXPECT_FALSE(core::is_exhausted(limited));
}

TEST(ApiError, SaysWhatToDo)
{
    EXPECT_EQ(
        decode(401, "").message,
        "the key is missing or was refused: check REGOLO_API_KEY, or the key given in the program");
    const std::string models = "no such model for this key: list them with client.models()";
    EXPECT_EQ(decode(404, R"({"error":{"code":"model_not_found"}})").message, models);
    const error_info unknown =
        decode(400, R"({"error":{"message":{"error":"Invalid model name passed in model=X"}}})");
    EXPECT_EQ(unknown.message, models);
    EXPECT_EQ(unknown.code, errc::not_found);
    EXPECT_EQ(decode(404, R"({"error":{"message":"The model `x` does not exist."}})").message,
              models);
    for (const std::string_view body : {"", "File Not Found (/v1/models)"})
    {
        EXPECT_NE(decode(404, body).message.find("check base_url"), std::string::npos) << body;
    }
    for (const std::string_view title :
         {"No required SSL certificate was sent", "The SSL certificate error"})
    {
        const std::string page =
            "<html><head><title>400 " + std::string(title) + "</title></head></html>";
        EXPECT_NE(decode(400, page).message.find("tls_options::client_cert_file"),
                  std::string::npos)
            << page;
    }
    EXPECT_NE(decode(400, R"({"error":{"type":"exceed_context_size_error"}})")
                  .message.find("too long for the model"),
              std::string::npos);
    EXPECT_NE(decode(429, "", {{"retry-after", "61"}}).message.find("wait 61 s"),
              std::string::npos);
    EXPECT_EQ(
        decode(502, "\n <html></html>").message,
        "a gateway in front of the API answered with an HTML page: the server or the model is "
        "overloaded, starting or down: try again later");
}

TEST(ApiError, ReadsTheHead)
{
    const error_info info = decode(
        429, "{}", {{"X-Request-Id", "req-1"}, {"Retry-After", "2"}, {"x-should-retry", "false"}});
    EXPECT_EQ(info.request_id, "req-1");
    EXPECT_EQ(info.retry_after, std::chrono::seconds(2));
    EXPECT_EQ(info.should_retry, false);
    EXPECT_EQ(info.metadata.status, 429);
    EXPECT_EQ(decode(500, "", {{"x-should-retry", "true"}}).should_retry, true);
    EXPECT_FALSE(decode(500, "", {{"x-should-retry", "maybe"}}).should_retry.has_value());
}

TEST(ApiError, SaysWhereARedirectLeads)
{
    const error_info info =
        decode(308, "", {{"Location", "https://other.example/v1/chat/completions"}});
    EXPECT_EQ(info.message,
              "the server redirects to \"https://other.example/v1/chat/completions\", which is not "
              "followed: set base_url to https://other.example");
    EXPECT_NE(decode(302, "", {{"Location", "/x"}}).message.find("\"/x\""), std::string::npos);
    EXPECT_NE(decode(302, "").message.find("without saying where to"), std::string::npos);
    EXPECT_NE(decode(302, "", {{"Location", "https://a.example/p/v1?x"}})
                  .message.find("base_url to https://a.example/p"),
              std::string::npos);
}

TEST(ApiError, ShowsNoSecretOfARedirect)
{
    const struct
    {
        const char* location;
        const char* shown;
    } rows[] = {
        {"https://user:pass@a.example/v1/models", "\"https://a.example/v1/models\""},
        {"https://pass@a.example", "\"https://a.example\""},
        {"//u:p@ss@a.example/v1", "\"//a.example/v1\""},
        {"https://a.example/login?token=pass", "\"https://a.example/login\""},
        {"https://a.example#pass@b", "\"https://a.example\""},
        {"https://a.example/@pass", "\"https://a.example/@pass\""},  // a path
        {"/v1/models?key=pass", "\"/v1/models\""},
        {"https://u:pass@", "\"https://\""},
    };
    for (const auto& row : rows)
    {
        core::response_head head;
        head.status = 302;
        head.headers.emplace_back("Location", row.location);
        const auto info = core::decode_error(head, "", {});
        EXPECT_EQ(info.code, errc::redirected);
        EXPECT_NE(info.message.find(row.shown), std::string::npos) << info.message;
    }
}

TEST(ApiError, LooksForWordsNotDeeperAndTakesNoMoreThanAnyGatewayWrites)
{
    const auto words = [](const std::string& body) {
        core::response_head head;
        head.status = 400;
        return core::decode_error(head, body, {}).server_message;
    };
    const auto wrapped = [](int times) {
        std::string json = R"({"message":"m"})";
        for (int i = 0; i < times; ++i)
            json = R"({"error":)" + json + '}';
        return json;
    };
    EXPECT_EQ(words(wrapped(8)), "m");
    EXPECT_EQ(words(wrapped(9)), "");
    EXPECT_EQ(words(std::string(2000, 'x')).size(), 2000U);
    EXPECT_EQ(words(std::string(2001, 'x')).size(), 2000U);
}

TEST(ApiError, TakesNoWordsFromACompressedBody)
{
    core::response_head head;
    head.status = 503;
    head.headers.emplace_back("Content-Encoding", "gzip");
    const auto info = core::decode_error(head, "\x1f\x8b\x08", {});
    EXPECT_EQ(info.code, errc::unavailable);
    EXPECT_EQ(info.server_message, "");
}

TEST(ApiError, UnderstandsEveryRecordedFailure)
{
    std::size_t failures = 0;
    for (const recording& each : all_recordings())
    {
        if (each.head.status < 300)
        {
            continue;
        }
        ++failures;
        const error_info info = decode_error(each.head, each.body, now);
        EXPECT_FALSE(info.server_message.empty()) << each.name;
        // its words, not the JSON or the page around them
        EXPECT_NE(info.server_message[0], '{') << each.name;
        EXPECT_NE(info.server_message[0], '<') << each.name;
        const std::string text = describe(info);
        EXPECT_NE(text.find("(HTTP " + std::to_string(each.head.status)), std::string::npos)
            << text;
        EXPECT_EQ(text.find('\n'), std::string::npos) << each.name;
    }
    EXPECT_GT(failures, 40U);
}

TEST(ApiError, ReadsRecordedPages)
{
    const auto decoded = [](std::string_view name) {
        const recording each = one_recording(name);
        return decode_error(each.head, each.body, now);
    };
    EXPECT_EQ(decoded("nginx/502.txt").server_message, "502 Bad Gateway");
    EXPECT_EQ(decoded("nginx/413.txt").code, errc::payload_too_large);
    EXPECT_NE(decoded("nginx/308.txt").message.find("base_url to https://localhost:18495"),
              std::string::npos);
    EXPECT_EQ(decoded("real/err_rerank_unsupported.txt").server_type, "not_supported_error");
    EXPECT_EQ(decoded("aimock/err_wrong_key.txt").server_code, "invalid_api_key");
    EXPECT_EQ(decoded("portkey/x_stream_error_429.txt").retry_after, std::chrono::seconds(1));
}

struct frame_row
{
    std::string_view json;
    errc code;
    int status;
};

TEST(ApiErrorFrame, IsJudgedByItsCode)
{
    const frame_row rows[] = {
        {R"({"error":{"message":"m","code":503}})", errc::unavailable, 503},
        {R"({"error":{"message":"m","code":"500"}})", errc::server_error, 500},
        {R"({"error":{"message":"m","code":400}})", errc::bad_request, 400},
        {R"({"error":{"code":"rate_limit_exceeded"}})", errc::rate_limited, 429},
        {R"({"error":{"type":"overloaded_error"}})", errc::unavailable, 529},
        {R"({"error":{"type":"server_error","code":"provider_error"}})", errc::server_error, 500},
        {R"({"error":{"type":"RateLimitError"}})", errc::rate_limited, 429},
        {R"({"error":{"type":"invalid_request_error"}})", errc::bad_request, 400},
        {R"({"error":{"code":"insufficient_quota"}})", errc::quota_exhausted, 0},
        {R"({"error":{"code":200}})", errc::api_error, 0},
        {R"({"error":{}})", errc::api_error, 0},
        {R"({"error":"boom"})", errc::api_error, 0},
        {"42", errc::api_error, 0},
        {R"({"error":503})", errc::unavailable, 503},
        {R"({"error":{"message":"m","code":503.0}})", errc::unavailable, 503},
        {R"({"error":{"message":"m","code":"503 "}})", errc::unavailable, 503},
        {R"({"errors":[{"message":"m","code":400}]})", errc::bad_request, 400},
        {R"({"choices":[{"index":0},{"error":{"message":"m","code":502}}]})", errc::unavailable,
         502},
    };
    for (const frame_row& row : rows)
    {
        const error_info info = frame(row.json);
        EXPECT_EQ(info.code, row.code) << row.json;
        EXPECT_EQ(core::effective_status(info), row.status) << row.json;
        EXPECT_EQ(info.where, phase::body);
        EXPECT_TRUE(info.sent);
    }
    EXPECT_EQ(text_frame("upstream timed out").server_message, "upstream timed out");
    EXPECT_EQ(text_frame(R"({"message":"m"})").server_message, "m");
    EXPECT_EQ(text_frame("42").server_message, "42");
}

TEST(ApiErrorFrame, KeepsNoMoreOfItsWordsThanOfABody)
{
    constexpr std::size_t most = 64 * 1024;
    const auto told = [](const std::string& words) {
        const boost::json::object error{{"message", words}, {"code", words}, {"type", words}};
        return frame_of({{"error", error}});
    };
    const auto at = told(std::string(most, 'x'));
    EXPECT_EQ(at.server_message.size(), most);
    const auto past = told(std::string(most, 'x') + 'y');
    EXPECT_EQ(past.server_message, std::string(most, 'x'));
    EXPECT_EQ(past.server_code.size(), most);
    EXPECT_EQ(past.server_type.size(), most);
    // never in the middle of a character
    EXPECT_EQ(told(std::string(most - 1, 'x') + "\xc3\xa9").server_message.size(), most - 1);
}

TEST(ApiErrorFrame, IsTold)
{
    for (const std::string_view json :
         {R"({"error":{}})", R"({"error":"x"})", R"({"error":""})", R"({"detail":"x"})",
          R"({"error":{"message":"m"},"choices":[]})",
          R"({"object":"error","message":"m","code":1})", R"({"errors":[{"message":"m"}]})",
          R"({"choices":[{"error":{"message":"m"}}]})"})
    {
        EXPECT_TRUE(is_frame(json)) << json;
    }
    for (const std::string_view json :
         {R"({"error":null,"choices":[]})", R"({"error":"","choices":[]})", R"({"error":false})",
          R"({"detail":"x","choices":[]})", R"({"detail":null})", "42", R"({"choices":[]})",
          R"({"id":"a","message":"m","type":"t"})", "{}", R"({"errors":[]})",
          R"({"choices":[{"error":null}]})"})
    {
        EXPECT_FALSE(is_frame(json)) << json;
    }
}

}  // namespace
}  // namespace regolo::test
