#include "core/http_message.hpp"

#include "core/text.hpp"

#include <gtest/gtest.h>

#include <string>

namespace regolo::test {
namespace {

using namespace std::string_literals;
using core::encode_head;
using core::http_request;
using core::origin;

const origin somewhere{true, "api.regolo.ai", 443};

http_request get(std::vector<core::field_view> headers = {})
{
    return {"GET", "/v1/models", std::move(headers), std::nullopt};
}

std::string head_of(const http_request& request, std::string_view key = "",
                    const origin& where = somewhere)
{
    return std::string(encode_head(request, where, key).value().view());
}

error_info failure_of(const http_request& request, std::string_view key = "")
{
    auto head = encode_head(request, somewhere, key);
    return head ? error_info{} : head.error();
}

TEST(EncodeHead, WritesARequestWithoutABody)
{
    EXPECT_EQ(head_of(get({{"Accept", "application/json"}}), "k-1"),
              "GET /v1/models HTTP/1.1\r\nHost: api.regolo.ai\r\nAuthorization: Bearer k-1\r\n"
              "Accept: application/json\r\n\r\n");
    EXPECT_EQ(head_of(get(), "", {false, "::1", 8000}),
              "GET /v1/models HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n");
}

TEST(EncodeHead, TellsWhereTheBodyEnds)
{
    const auto framing = [](std::string_view method, std::optional<core::body_length> body) {
        const std::string head = head_of({method, "/", {}, body});
        const std::string host = "Host: api.regolo.ai\r\n";
        const std::string field = head.substr(head.find(host) + host.size());
        return field.substr(0, field.find("\r\n"));
    };
    EXPECT_EQ(framing("POST", core::body_length{2}), "Content-Length: 2");
    EXPECT_EQ(framing("POST", core::body_length{5'000'000'000}), "Content-Length: 5000000000");
    EXPECT_EQ(framing("POST", core::body_length{0}), "Content-Length: 0");
    EXPECT_EQ(framing("POST", core::body_length{}), "Transfer-Encoding: chunked");
    EXPECT_EQ(framing("POST", std::nullopt), "Content-Length: 0");
    EXPECT_EQ(framing("PUT", std::nullopt), "Content-Length: 0");
    EXPECT_EQ(framing("PATCH", std::nullopt), "Content-Length: 0");
    EXPECT_EQ(framing("DELETE", std::nullopt), "");
    EXPECT_EQ(framing("GET", std::nullopt), "");
    EXPECT_EQ(framing("DELETE", core::body_length{3}), "Content-Length: 3");
}

TEST(EncodeChunk, FramesAPiece)
{
    std::string memory = "before";
    EXPECT_EQ(core::encode_chunk("hello", memory), "5\r\nhello\r\n");
    EXPECT_EQ(core::encode_chunk(std::string(300, 'x'), memory),
              "12c\r\n" + std::string(300, 'x') + "\r\n");
    EXPECT_EQ(core::encode_chunk("", memory), "0\r\n\r\n");
}

TEST(EncodeHead, KeepsRepeatedFieldsInOrder)
{
    EXPECT_NE(head_of(get({{"X-A", "1"}, {"x-a", "2"}})).find("X-A: 1\r\nx-a: 2\r\n"),
              std::string::npos);
}

TEST(EncodeHead, LetsTheCallersAuthorizationWin)
{
    const std::string head = head_of(get({{"authorization", "Basic eDp5"}}), "k-1");
    EXPECT_EQ(head.find("k-1"), std::string::npos);
    EXPECT_NE(head.find("authorization: Basic eDp5\r\n"), std::string::npos);
}

TEST(EncodeHead, TidiesTheKey)
{
    for (const std::string key : {"k-1", " k-1\n", "k-1\r\n", "Bearer k-1", "\tbearer  k-1 "})
    {
        EXPECT_NE(head_of(get(), key).find("Authorization: Bearer k-1\r\n"), std::string::npos)
            << key;
    }
    for (const std::string key : {"", " ", "\r\n", "Bearer "})
    {
        EXPECT_EQ(head_of(get(), key).find("Authorization"), std::string::npos) << key;
    }
}

TEST(EncodeHead, RefusesABrokenKeyWithoutShowingIt)
{
    for (const std::string& key : {"hun ter2"s, "hun\r\nter2"s, "hun\0ter2"s, "hun\x7fter2"s,
                                   "hun\tter2"s, "hunter2\xc3\xa9"s, "Bearer hun ter2"s})
    {
        const error_info info = failure_of(get(), key);
        EXPECT_EQ(info.code, errc::bad_config) << key;
        EXPECT_EQ(info.message.find("hun"), std::string::npos);
        EXPECT_EQ(info.message.find("ter2"), std::string::npos);
    }
}

TEST(EncodeHead, RefusesAUrlInThePlaceOfAKey)
{
    const error_info info = failure_of(get(), "https://user:hunter2@api.example/v1");
    EXPECT_EQ(info.code, errc::bad_config);
    EXPECT_NE(info.message.find("base_url"), std::string::npos);
    EXPECT_EQ(info.message.find("hunter2"), std::string::npos);
}

TEST(EncodeHead, LeavesNoWayToInjectAHeader)
{
    for (const char bad : "\r\n\0\x01\x1f\x7f"s)
    {
        const std::string text = "a"s + bad + "b: c";
        http_request method = get();
        method.method = text;
        http_request target = get();
        target.target = text;
        for (const http_request& request :
             {method, target, get({{text, "v"}}), get({{"X-Name", text}})})
        {
            const error_info info = failure_of(request);
            EXPECT_EQ(info.code, errc::invalid_request) << int{bad};
            EXPECT_EQ(info.message.find(bad), std::string::npos);
        }
    }
    EXPECT_NE(failure_of(get({{"X-Name", "a\nb"}})).message.find("X-Name"), std::string::npos);
    EXPECT_EQ(failure_of(get({{"", "v"}})).code, errc::invalid_request);
    EXPECT_EQ(failure_of(get({{"X Name", "v"}})).code, errc::invalid_request);
    EXPECT_EQ(failure_of(get({{"X-Name:", "v"}})).code, errc::invalid_request);
    EXPECT_EQ(failure_of(get({{"X-\xc3\xa9", "v"}})).code, errc::invalid_request);
    EXPECT_EQ(failure_of({"", "/", {}, std::nullopt}).code, errc::invalid_request);
    EXPECT_EQ(failure_of({"GET", "", {}, std::nullopt}).code, errc::invalid_request);
    EXPECT_EQ(failure_of({"GET", "/a b", {}, std::nullopt}).code, errc::invalid_request);
    EXPECT_EQ(failure_of({"GET", "/\xc3\xa9", {}, std::nullopt}).code, errc::invalid_request);
}

TEST(EncodeHead, LooksAtEachByteOfAValue)
{
    for (const std::size_t size : {1, 8, 9, 17})
    {
        for (std::size_t at = 0; at != size; ++at)
        {
            for (int byte = 0; byte != 256; ++byte)
            {
                std::string value(size, 'a');
                value[at] = static_cast<char>(byte);
                const bool is_good = byte >= 0x20 ? byte != 0x7f : byte == '\t';
                EXPECT_EQ(!failure_of(get({{"X-Name", value}})).code, is_good)
                    << byte << " at " << at;
            }
        }
    }
}

TEST(EncodeHead, AllowsTabsAndTextOutsideAsciiInValues)
{
    EXPECT_NE(head_of(get({{"X-A", "a\tb"}, {"X-B", "caff\xc3\xa8"}, {"X-C", ""}}))
                  .find("X-A: a\tb\r\nX-B: caff\xc3\xa8\r\nX-C: \r\n"),
              std::string::npos);
}

TEST(EncodeHead, KeepsTheFieldsThatFrameTheMessage)
{
    for (const std::string name : {"Host", "content-length", "Transfer-Encoding", "CONNECTION",
                                   "Keep-Alive", "Upgrade", "TE", "Trailer", "Expect"})
    {
        const error_info info = failure_of(get({{name, "x"}}));
        EXPECT_EQ(info.code, errc::invalid_request) << name;
        EXPECT_NE(info.message.find(name), std::string::npos) << info.message;
    }
}

TEST(Headers, AreFoundReplacedAndRemovedInAnyCase)
{
    std::vector<core::field_view> fields{{"A", "1"}, {"b", "2"}, {"a", "3"}};
    EXPECT_EQ(find_header(fields, "a"), "1");
    EXPECT_EQ(find_header(fields, "B"), "2");
    EXPECT_EQ(find_header(fields, "c"), std::nullopt);
    core::set_header(fields, {"a", "4"});
    ASSERT_EQ(fields.size(), 2U);
    EXPECT_EQ(fields[0].name, "a");
    EXPECT_EQ(fields[0].value, "4");
    core::set_header(fields, {"c", "5"});
    EXPECT_EQ(fields.back().value, "5");
    core::remove_header(fields, "B");
    core::remove_header(fields, "none");
    ASSERT_EQ(fields.size(), 2U);
    EXPECT_EQ(find_header(fields, "b"), std::nullopt);
}

TEST(Headers, TellWhichAreSecret)
{
    for (const auto* name : {"authorization", "PROXY-AUTHORIZATION", "Api-Key", "X-Api-Key",
                             "x-goog-api-key", "cookie"})
        EXPECT_TRUE(core::is_secret_field(name)) << name;
    for (const auto* name : {"", "accept", "x-authorization", "authorizatio", "key"})
        EXPECT_FALSE(core::is_secret_field(name)) << name;
    EXPECT_EQ(core::secret_part("Bearer abc"), "abc");
    EXPECT_EQ(core::secret_part(" basic  YTpi= "), "YTpi=");
    EXPECT_EQ(core::secret_part("abc"), "abc");
    EXPECT_EQ(core::secret_part("a=1; b=2"), "a=1; b=2");
    EXPECT_EQ(core::secret_part("Bearer"), "Bearer");
    EXPECT_EQ(core::secret_part(""), "");
}

TEST(Headers, CompareAsciiOnly)
{
    EXPECT_TRUE(core::iequals("Content-Type", "content-TYPE"));
    EXPECT_TRUE(core::iequals("", ""));
    EXPECT_FALSE(core::iequals("a", "ab"));
    EXPECT_FALSE(core::iequals("@", "`"));
    EXPECT_FALSE(core::iequals("\xc3\x89", "\xc3\xa9"));
}

TEST(Headers, TellMediaTypes)
{
    EXPECT_EQ(core::media_type(" Text/Event-Stream ; charset=utf-8"), "text/event-stream");
    EXPECT_EQ(core::media_type("text/event-stream;"), "text/event-stream");
    EXPECT_EQ(core::media_type(""), "");
    EXPECT_TRUE(core::is_json_type("application/json"));
    EXPECT_TRUE(core::is_json_type("application/problem+json"));
    EXPECT_FALSE(core::is_json_type("application/jsonl"));
    EXPECT_FALSE(core::is_json_type("text/html"));
}

TEST(Headers, TellHowLongAConnectionIsKept)
{
    const auto timeout = [](std::string_view value) {
        core::response_head head;
        head.headers = {{"keep-alive", value}};
        return core::keep_alive_timeout(head);
    };
    EXPECT_EQ(timeout("timeout=5"), 5);
    EXPECT_EQ(timeout("max=100, Timeout = 75 "), 75);
    EXPECT_EQ(timeout("timeout=0"), 0);
    EXPECT_EQ(timeout("timeout=2147483647"), 2147483647);
    EXPECT_EQ(timeout("timeout=2147483648"), std::nullopt);
    EXPECT_EQ(timeout("timeout=-1"), std::nullopt);
    EXPECT_EQ(timeout("timeout=5s"), std::nullopt);
    EXPECT_EQ(timeout("timeout="), std::nullopt);
    EXPECT_EQ(timeout("timeout"), std::nullopt);
    EXPECT_EQ(timeout(","), std::nullopt);
    EXPECT_EQ(core::keep_alive_timeout({}), std::nullopt);
}

}  // namespace
}  // namespace regolo::test
