#include "core/base_url.hpp"

#include <gtest/gtest.h>

#include <string>

namespace regolo::test {
namespace {

using core::base_url;
using core::is_local_host;
using core::make_target;
using core::origin;
using core::parse_base_url;

struct good_url
{
    std::string text;
    bool tls;
    std::string host;
    int port;
    std::string prefix;
};

TEST(BaseUrl, TakesGoodUrlsApart)
{
    const std::vector<good_url> cases{
        {"https://api.regolo.ai", true, "api.regolo.ai", 443, ""},
        {"https://api.regolo.ai/", true, "api.regolo.ai", 443, ""},
        {"https://api.regolo.ai/v1", true, "api.regolo.ai", 443, ""},
        {"https://api.regolo.ai/v1/", true, "api.regolo.ai", 443, ""},
        {"https://api.regolo.ai//v1//", true, "api.regolo.ai", 443, ""},
        {"https://api.regolo.ai/v1/v1", true, "api.regolo.ai", 443, ""},
        {"https://api.regolo.ai/custom-model/v1/", true, "api.regolo.ai", 443, "/custom-model"},
        {"https://api.regolo.ai/custom-model", true, "api.regolo.ai", 443, "/custom-model"},
        {"https://api.regolo.ai/v10", true, "api.regolo.ai", 443, "/v10"},
        {"https://api.regolo.ai/v1/gate", true, "api.regolo.ai", 443, "/v1/gate"},
        {"https://api.regolo.ai/my%20gate/", true, "api.regolo.ai", 443, "/my%20gate"},
        {"HTTPS://API.Regolo.AI/V1", true, "api.regolo.ai", 443, "/V1"},
        {"http://localhost:8080/v1", false, "localhost", 8080, ""},
        {"https://h:443", true, "h", 443, ""},
        {"http://h:1", false, "h", 1, ""},
        {"http://h:65535", false, "h", 65535, ""},
        {"http://127.0.0.1:11434", false, "127.0.0.1", 11434, ""},
        {"http://[::1]:8000/v1", false, "::1", 8000, ""},
        {"http://[2001:DB8:0:0::1]", false, "2001:db8::1", 80, ""},
        {"http://my_llama-1.cluster", false, "my_llama-1.cluster", 80, ""},
        {"https://xn--bcher-kva.example", true, "xn--bcher-kva.example", 443, ""},
        {"https://10.0.0.1.nip.io:8443/v1", true, "10.0.0.1.nip.io", 8443, ""},
        {"https://1.2.3.4-dev.example", true, "1.2.3.4-dev.example", 443, ""},
        {"http://%6ctest", false, "ltest", 80, ""},
    };
    for (const good_url& one : cases)
    {
        const auto url = parse_base_url(one.text);
        ASSERT_TRUE(url) << one.text << ": " << url.error().message;
        EXPECT_EQ(url->origin.tls, one.tls) << one.text;
        EXPECT_EQ(url->origin.host, one.host) << one.text;
        EXPECT_EQ(url->origin.port, one.port) << one.text;
        EXPECT_EQ(url->prefix, one.prefix) << one.text;
    }
}

TEST(BaseUrl, RefusesBadOnesSayingHowGoodOnesLook)
{
    using namespace std::string_literals;
    const std::vector<std::pair<std::string, std::string>> cases{
        {"", "is empty"},
        {" \t", "is empty"},
        {"api.regolo.ai", "does not begin with"},
        {"/v1", "does not begin with"},
        {"localhost:8080", "does not begin with"},
        {"ftp://api.regolo.ai", "does not begin with"},
        {"https:api.regolo.ai", "does not begin with"},
        {"file:///v1", "does not begin with"},
        {"https://", "has no host"},
        {"https:///v1", "has no host"},
        {"https://:8080", "has no host"},
        {"https://[v1.a]/", "has no host"},
        {"https://api.regolo.ai ", "has a space"},
        {" https://api.regolo.ai", "has a space"},
        {"https://api.regolo.ai\n", "has a space or a control"},
        {"https://api.regolo.ai\0"s, "has a space or a control"},
        {"https://b\xc3\xbc"
         "cher.example",
         "punycode"},
        {"https://user:hunter2@api.regolo.ai", "user name or password"},
        {"https://user@api.regolo.ai", "user name or password"},
        {"https://api.regolo.ai?key=hunter2", "query"},
        {"https://api.regolo.ai#hunter2", "fragment"},
        {"http://localhost:", "has a colon behind its host and no port"},
        {"https://[::1]:/v1", "has a colon behind its host and no port"},
        {"https://h:0", "between 1 and 65535"},
        {"https://h:65536", "between 1 and 65535"},
        {"https://h:99999", "between 1 and 65535"},
        {"https://h:4294967739", "between 1 and 65535"},
        {"https://h:99999999999999999999", "between 1 and 65535"},
        {"https://h:80a", "is not a valid URL"},
        {"https://[::1", "is not a valid URL"},
        {"https://[fe80::1%25eth0]", "is not a valid URL"},
        {"https://h\\v1", "is not a valid URL"},
        {"https://a..b", "no host name"},
        {"https://.a", "no host name"},
        {"https://a%0ab", "no host name"},
        {"https://a,b", "no host name"},
        {"https://2130706433", "no host name"},
        {"https://0x7f.1", "no host name"},
        {"https://127.1", "no host name"},
        {"https://127.0.0.%31", "no host name"},
        {"https://1.2.3.4.5", "no host name"},
        {"https://1.2.3.4:80a", "is not a valid URL"},
        {"https://256.0.0.1", "no host name"},
        {"https://" + std::string(254, 'a'), "no host name"},
    };
    for (const auto& [text, why] : cases)
    {
        const auto url = parse_base_url(text);
        ASSERT_FALSE(url) << text;
        EXPECT_EQ(url.error().code, errc::bad_url) << text;
        EXPECT_NE(url.error().message.find(why), std::string::npos)
            << text << ": " << url.error().message;
        EXPECT_NE(url.error().message.find("https://api.regolo.ai or"), std::string::npos);
        EXPECT_EQ(url.error().message.find("hunter2"), std::string::npos);
    }
    EXPECT_TRUE(parse_base_url("https://" + std::string(253, 'a')));
}

TEST(BaseUrl, WritesOriginsWithThePortOnlyWhereItSaysSomething)
{
    EXPECT_EQ(to_string(origin{true, "api.regolo.ai", 443}), "https://api.regolo.ai");
    EXPECT_EQ(to_string(origin{false, "h", 80}), "http://h");
    EXPECT_EQ(to_string(origin{true, "h", 80}), "https://h:80");
    EXPECT_EQ(to_string(origin{false, "::1", 8000}), "http://[::1]:8000");
    EXPECT_EQ(host_field(origin{true, "::1", 443}), "[::1]");
    EXPECT_EQ(host_field(origin{false, "h", 443}), "h:443");
}

TEST(BaseUrl, KnowsTheNamesOfThisMachine)
{
    for (const std::string host : {"localhost", "LocalHost", "localhost.", "a.b.localhost"})
        EXPECT_TRUE(core::is_loopback_name(host)) << host;
    for (const std::string host :
         {"", ".", "local", "notlocalhost", "localhost.example", "127.0.0.1", "localhost.."})
        EXPECT_FALSE(core::is_loopback_name(host)) << host;
}

TEST(BaseUrl, KnowsLocalHostsByNameAlone)
{
    for (const std::string host : {"localhost",     "LOCALHOST",
                                   "localhost.",    "a.localhost",
                                   "llama",         "printer.local",
                                   "x.internal",    "a.svc",
                                   "a.b.svc",       "api.ns.svc.cluster",
                                   "a.Svc.Cluster", "127.0.0.1",
                                   "127.255.255.9", "10.0.0.1",
                                   "172.16.0.1",    "172.31.255.1",
                                   "192.168.1.1",   "169.254.0.1",
                                   "::1",           "fd00::1",
                                   "fc00::1",       "fe80::1",
                                   "febf::1",       "::ffff:10.0.0.1"})
    {
        EXPECT_TRUE(is_local_host(host)) << host;
    }
    for (const std::string host : {"",
                                   ".",
                                   "api.regolo.ai",
                                   "localhost.evil.example",
                                   "notlocal.com",
                                   "a.mylocal",
                                   "a.svcx.b",
                                   "svc.example.com",
                                   "172.15.0.1",
                                   "172.32.0.1",
                                   "192.169.0.1",
                                   "11.0.0.1",
                                   "8.8.8.8",
                                   "134744072",
                                   "0X8080808",
                                   "8.526344",
                                   "2001:db8::1",
                                   "fec0::1",
                                   "::ffff:8.8.8.8",
                                   "::",
                                   "a b",
                                   "evil.com/local",
                                   "a..local"})
    {
        EXPECT_FALSE(is_local_host(host)) << host;
    }
}

TEST(BaseUrl, RefusesAKeyInTheClearToAPublicHost)
{
    const origin open{false, "api.regolo.ai", 80};
    const auto refused = core::check_plaintext(open, true, false);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::plaintext_refused);
    EXPECT_NE(refused.error().message.find("http://api.regolo.ai"), std::string::npos);
    EXPECT_NE(refused.error().message.find("REGOLO_ALLOW_PLAINTEXT=1"), std::string::npos);
    EXPECT_TRUE(core::check_plaintext(open, false, false));
    EXPECT_TRUE(core::check_plaintext(open, true, true));
    EXPECT_TRUE(core::check_plaintext({true, "api.regolo.ai", 443}, true, false));
    EXPECT_TRUE(core::check_plaintext({false, "127.0.0.1", 8000}, true, false));
}

std::string target(std::string_view url, std::string_view path,
                   const std::vector<std::pair<std::string, std::string>>& query = {})
{
    return make_target(parse_base_url(url).value(), path, query).value();
}

TEST(BaseUrl, NeverDoublesAndNeverAddsTheVersion)
{
    for (const std::string url : {"https://h", "https://h/", "https://h/v1", "https://h/v1/"})
    {
        EXPECT_EQ(target(url, "/v1/chat/completions"), "/v1/chat/completions") << url;
        EXPECT_EQ(target(url, "v1/models"), "/v1/models") << url;
        EXPECT_EQ(target(url, "/key/info"), "/key/info") << url;
        EXPECT_EQ(target(url, "models"), "/models") << url;
    }
    for (const std::string url : {"https://h/custom-model", "https://h/custom-model/v1/"})
    {
        EXPECT_EQ(target(url, "/v1/models"), "/custom-model/v1/models") << url;
        EXPECT_EQ(target(url, "/key/info"), "/custom-model/key/info") << url;
    }
    EXPECT_EQ(target("https://h", ""), "/");
    EXPECT_EQ(target("https://h", "//evil.example/x"), "/evil.example/x");
}

TEST(BaseUrl, EncodesQueries)
{
    EXPECT_EQ(target("https://h", "/v1/models", {{"a b", "1&2=\xc3\xa9/~"}, {"c", ""}}),
              "/v1/models?a%20b=1%262%3D%C3%A9%2F~&c=");
    EXPECT_EQ(target("https://h", "/v1/models?x=%20[]", {{"a", "\r\n"}}),
              "/v1/models?x=%20[]&a=%0D%0A");
    EXPECT_EQ(target("https://h", "/fetch/http://x"), "/fetch/http://x");
    EXPECT_EQ(target("https://h", "/f?u=http://x"), "/f?u=http://x");
}

TEST(BaseUrl, RefusesPathsThatNeedEncoding)
{
    const base_url url = parse_base_url("https://h").value();
    using namespace std::string_literals;
    for (const std::string& path :
         {"/v1/a b"s, "/v1/a\r\nX: y"s, "/v1/\0"s, "/v1/\x7f"s, "/v1/\xc3\xa9"s, "/v1#frag"s,
          "https://evil.example/v1"s, "/v1/models?a=b c"s})
    {
        const auto made = make_target(url, path, {});
        ASSERT_FALSE(made) << path;
        EXPECT_EQ(made.error().code, errc::bad_url) << path;
        EXPECT_EQ(made.error().message.find(path), std::string::npos) << path;
    }
}

}  // namespace
}  // namespace regolo::test
