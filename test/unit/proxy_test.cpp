#include "core/proxy.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace regolo::test {
namespace {

core::origin to(std::string_view host, std::uint16_t port = 443)
{
    core::origin where;
    where.host = host;
    where.port = port;
    return where;
}

TEST(ParseProxy, TakesItsUrlApart)
{
    struct sample
    {
        std::string_view url;
        std::string_view host;
        int port;
        std::string_view authorization;
        std::string_view shown;
    };
    const std::vector<sample> all = {
        {"http://proxy.example:3128", "proxy.example", 3128, "", "http://proxy.example:3128"},
        {" Proxy.Example:8080/ ", "proxy.example", 8080, "", "http://proxy.example:8080"},
        {"http://proxy", "proxy", 80, "", "http://proxy:80"},
        {"HTTP://u:p@10.0.0.1:1", "10.0.0.1", 1, "Basic dTpw", "http://10.0.0.1:1"},
        {"u%3A:p%40@[::1]:3128", "::1", 3128, "Basic dTo6cEA=", "http://[::1]:3128"},
        {"http://u@p:1", "p", 1, "Basic dTo=", "http://p:1"},
    };
    for (const auto& each : all)
    {
        const auto proxy = core::parse_proxy(each.url);
        ASSERT_TRUE(proxy) << each.url;
        EXPECT_EQ(proxy->host, each.host);
        EXPECT_EQ(proxy->port, each.port);
        EXPECT_EQ(proxy->authorization.view(), each.authorization);
        EXPECT_EQ(core::to_string(*proxy), each.shown);
    }
}

TEST(ParseProxy, KnowsEachFormOfThePassword)
{
    const auto proxy = core::parse_proxy("http://u%3A:p%40@h");
    ASSERT_TRUE(proxy);
    std::vector<std::string> forms;
    for (const auto& each : proxy->passwords)
        forms.emplace_back(each.view());
    EXPECT_EQ(forms, (std::vector<std::string>{"p@", "p%40", "dTo6cEA="}));
    EXPECT_TRUE(core::parse_proxy("http://h")->passwords.empty());
}

TEST(ParseProxy, TakesEveryPortAndNoOtherNumber)
{
    EXPECT_EQ(core::parse_proxy("http://h:1").value().port, 1);
    EXPECT_EQ(core::parse_proxy("http://h:65535").value().port, 65535);
    for (const std::string_view url : {"http://h:0", "http://h:65536", "http://h:65616"})
        EXPECT_FALSE(core::parse_proxy(url)) << url;
}

TEST(NoProxy, SaysWhichHostsAreReachedWithout)
{
    struct sample
    {
        std::string_view no_proxy;
        std::string_view host;
        int port;
        bool bypassed;
    };
    const std::vector<sample> all = {
        {"", "a.com", 443, false},
        {"*", "a.com", 443, true},
        {"a.com", "a.com", 443, true},
        {"a.com", "api.a.com", 443, true},
        {"a.com", "aa.com", 443, false},
        {"a.com", "a.com.evil", 443, false},
        {".a.com", "a.com", 443, true},
        {".a.com", "api.a.com", 443, true},
        {"*.a.com", "api.a.com", 443, true},
        {"A.Com.", "a.com", 443, true},
        {"b.com, a.com", "a.com", 443, true},
        {"b.com a.com", "a.com", 443, true},
        {"b.com,,\ta.com,", "a.com", 443, true},
        {"a.com:443", "a.com", 443, true},
        {"a.com:8443", "a.com", 443, false},
        {"a.com:x", "a.com", 443, false},
        {"a.com:", "a.com", 443, true},
        {"api.a.com", "a.com", 443, false},
        {".", "a.com", 443, false},
        {"10.0.0.0/8", "10.200.3.4", 443, true},
        {"10.0.0.0/8", "11.0.0.1", 443, false},
        {"10.0.0.0/0", "11.0.0.1", 443, true},
        {"10.0.0.0/33", "10.0.0.0", 443, false},
        {"10.0.0.0/x", "10.0.0.0", 443, false},
        {"10.0.0.5/32", "10.0.0.5", 443, true},
        {"192.168.128.0/17", "192.168.127.1", 443, false},
        {"192.168.128.0/17", "192.168.200.1", 443, true},
        {"10.0.0.1", "10.0.0.1", 443, true},
        {"10.0.0.1:8443", "10.0.0.1", 443, false},
        {"10.0.0.1:8443", "10.0.0.1", 8443, true},
        {"0.0.1", "10.0.0.1", 443, false},
        {"::1", "::1", 443, true},
        {"[::1]", "::1", 443, true},
        {"[::1]:443", "::1", 443, true},
        {"[::1]:444", "::1", 443, false},
        {"0:0:0:0:0:0:0:1", "::1", 443, true},
        {"fd00::/8", "fd12::1", 443, true},
        {"fd00::/8", "fe80::1", 443, false},
        {"10.0.0.0/8", "a.com", 443, false},
        {"localhost,127.0.0.1", "localhost", 443, true},
        {"a.com", "a.com.", 443, true},
        {".a.com.", "www.a.com", 443, true},
        {"*,b.com", "a.com", 443, true},
        {"b.com,*", "a.com", 443, true},
        {"*.a.com", "a.com", 443, true},
        {"com", "a.com", 443, true},
        {" a.com ", "a.com", 443, true},
        {",", "a.com", 443, false},
        {"127.0.0.1", "127.0.0.2", 443, false},
        {"127.0.0.0/8", "localhost", 443, false},
        {"192.168.1.7/24", "192.168.1.9", 443, true},
        {"192.168.1.7/24", "192.168.2.9", 443, false},
        {"10.0.0.0/9", "10.128.0.1", 443, false},
        {"10.0.0.0/9", "10.127.0.1", 443, true},
        {"10.0.0.0/", "10.0.0.0", 443, false},
        {"10.0.0.0/8,192.168.0.0/16", "192.168.3.4", 443, true},
        {"2001:db8::/32", "2001:db8:1::1", 443, true},
        {"2001:db8::/32", "2001:db9::1", 443, false},
        {"::/0", "fd00::1", 443, true},
        {"::/0", "10.0.0.1", 443, false},
    };
    for (const auto& each : all)
    {
        EXPECT_EQ(
            core::is_bypassed(each.no_proxy, to(each.host, static_cast<std::uint16_t>(each.port))),
            each.bypassed)
            << each.no_proxy << " and " << each.host << ':' << each.port;
    }
}

TEST(ProxyRules, ChooseBySchemeAndHost)
{
    proxy_options options;
    options.http = "one:1";
    options.https = "two:2";
    options.bypass = "near.example";
    const auto rules = core::proxy_rules::make(options).value();
    auto plain = to("far.example", 80);
    plain.tls = false;
    EXPECT_EQ(rules->find(plain)->host, "one");
    EXPECT_EQ(rules->find(to("far.example"))->host, "two");
    EXPECT_EQ(rules->find(to("near.example")), nullptr);
    EXPECT_EQ(core::proxy_rules::make({}).value()->find(plain), nullptr);
}

}  // namespace
}  // namespace regolo::test
