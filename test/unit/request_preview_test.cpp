#include <regolo/client.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <string>

namespace regolo::test {
namespace {

request_preview post(std::string body, std::vector<header> headers = {})
{
    request_preview out;
    out.method = "POST";
    out.url = "https://api.regolo.ai/v1/chat/completions";
    out.headers = std::move(headers);
    out.body = std::move(body);
    return out;
}

/// The arguments that a shell hands to `curl`, each with a bar after it.
std::string arguments(const std::string& command)
{
    const std::string script =
        "REGOLO_API_KEY='k e\"y$x'; curl() { for a in \"$@\"; do printf '%s|' \"$a\"; done; }\n" +
        command + "\n";
    std::FILE* const file = std::tmpfile();
    std::fwrite(script.data(), 1, script.size(), file);
    std::rewind(file);
    const std::string run = "sh /dev/fd/" + std::to_string(::fileno(file));
    std::FILE* const pipe = ::popen(run.c_str(), "r");
    std::string out;
    std::array<char, 4096> buffer{};
    for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    {
        out.append(buffer.data(), n);
    }
    EXPECT_EQ(::pclose(pipe), 0);
    std::fclose(file);
    return out;
}

TEST(RequestPreview, WritesACommandLine)
{
    const request_preview preview = post(R"({"model":"m"})", {{"Host", "api.regolo.ai"},
                                                              {"Authorization", "Bearer ***"},
                                                              {"Content-Type", "application/json"},
                                                              {"Content-Length", "13"},
                                                              {"X-Empty", ""}});
    EXPECT_EQ(preview.to_curl(),
              "curl -sS 'https://api.regolo.ai/v1/chat/completions' \\\n"
              "  -H \"Authorization: Bearer $REGOLO_API_KEY\" \\\n"
              "  -H 'Content-Type: application/json' \\\n"
              "  -H 'X-Empty;' \\\n"
              "  --data-raw '{\"model\":\"m\"}'");
}

TEST(RequestPreview, SaysTheMethodWhereCurlWouldNot)
{
    request_preview preview = post("");
    EXPECT_NE(preview.to_curl().find(" -X 'POST' "), std::string::npos);
    preview.method = "GET";
    EXPECT_EQ(preview.to_curl(), "curl -sS 'https://api.regolo.ai/v1/chat/completions'");
    preview.body = "{}";
    EXPECT_NE(preview.to_curl().find(" -X 'GET' "), std::string::npos);
    preview.method = "DELETE";
    EXPECT_NE(preview.to_curl().find(" -X 'DELETE' "), std::string::npos);
    preview.method = "HEAD";
    EXPECT_NE(preview.to_curl().find(" -I "), std::string::npos);
}

TEST(RequestPreview, ShowsStreamsAsTheyCome)
{
    EXPECT_NE(post("{}", {{"Accept", "text/event-stream"}}).to_curl().find(" -N "),
              std::string::npos);
    EXPECT_EQ(post("{}", {{"Accept", "application/json"}}).to_curl().find(" -N "),
              std::string::npos);
}

TEST(RequestPreview, KeepsCurlFromReadingPatterns)
{
    request_preview preview = post("{}");
    EXPECT_EQ(preview.to_curl().find(" -g "), std::string::npos);
    preview.url = "http://[::1]:8000/v1/models";
    EXPECT_NE(preview.to_curl().find(" -g "), std::string::npos);
}

TEST(RequestPreview, LeavesOtherSchemesOfAuthorizationAlone)
{
    EXPECT_NE(post("", {{"authorization", "Basic ***"}})
                  .to_curl()
                  .find("-H \"Authorization: Basic $REGOLO_API_KEY\""),
              std::string::npos);
    for (const std::string value : {"***", "$(id) ***", "`id` ***", "", "\"; id; \" ***"})
    {
        EXPECT_NE(post("", {{"Authorization", value}})
                      .to_curl()
                      .find("-H \"Authorization: Bearer $REGOLO_API_KEY\""),
                  std::string::npos)
            << value;
    }
}

TEST(RequestPreview, SurvivesARealShell)
{
    const std::string nasty = "@it's \"$HOME\" `id` $(id) \\ \n ! * ; & # '' \xc3\xa9";
    request_preview preview = post(nasty, {{"X-A", nasty}, {"Authorization", "Bearer ***"}});
    preview.url = "https://h/'$(id)'";
    EXPECT_EQ(arguments(preview.to_curl()), "-sS|https://h/'$(id)'|-H|X-A: " + nasty +
                                                "|-H|Authorization: Bearer k e\"y$x|--data-raw|" +
                                                nasty + "|");
}

}  // namespace
}  // namespace regolo::test
