#include <regolo/client_config.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <string>

namespace regolo::test {
namespace {

/// Sets the variables that the library reads, and puts back what was there.
class environment
{
public:
    explicit environment(const std::map<std::string, std::string>& values)
    {
        for (const char* name :
             {"REGOLO_API_KEY", "REGOLO_BASE_URL", "REGOLO_MODEL", "REGOLO_ALLOW_PLAINTEXT",
              "API_KEY", "LLM", "REGOLO_URL", "http_proxy", "HTTP_PROXY", "https_proxy",
              "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY", "REQUEST_METHOD",
              "CHAT_COMPLETIONS_URL_PATH"})
        {
            const char* before = std::getenv(name);
            before_[name] = before ? std::optional<std::string>(before) : std::nullopt;
            const auto wanted = values.find(name);
            set(name, wanted == values.end() ? std::nullopt : std::optional(wanted->second));
        }
    }
    ~environment()
    {
        for (const auto& [name, value] : before_)
        {
            set(name, value);
        }
    }
    environment(const environment&) = delete;
    environment& operator=(const environment&) = delete;

private:
    static void set(const std::string& name, const std::optional<std::string>& value)
    {
        if (value)
        {
            ::setenv(name.c_str(), value->c_str(), 1);
        }
        else
        {
            ::unsetenv(name.c_str());
        }
    }

    std::map<std::string, std::optional<std::string>> before_;
};

TEST(ClientConfig, ReadsTheProxiesOfTheEnvironment)
{
    {
        const environment variables({{"https_proxy", "small:1"},
                                     {"HTTPS_PROXY", "large:1"},
                                     {"HTTP_PROXY", "plain:1"},
                                     {"NO_PROXY", "near.example"}});
        const auto proxy = client_config::from_environment().proxy;
        EXPECT_EQ(proxy.https, "small:1");
        EXPECT_EQ(proxy.http, "plain:1");
        EXPECT_EQ(proxy.bypass, "near.example");
        EXPECT_TRUE(client_config().proxy.https.empty());
    }
    {
        const environment variables({{"ALL_PROXY", "all:1"},
                                     {"https_proxy", " "},
                                     {"HTTP_PROXY", "set by a client"},
                                     {"REQUEST_METHOD", "GET"}});
        const auto proxy = client_config::from_python_environment().proxy;
        EXPECT_EQ(proxy.https, "all:1");
        EXPECT_EQ(proxy.http, "all:1");
    }
}

TEST(ClientConfig, JoinsUrlAndPathsAsPythonDoes)
{
    struct names : environment
    {
        explicit names(const char* url)
            : environment({{"REGOLO_URL", url}, {"CHAT_COMPLETIONS_URL_PATH", "/chat/completions"}})
        {}
    };
    {
        const names variables("https://gateway.example/v1/");
        EXPECT_EQ(client_config::from_python_environment().paths.chat, "/v1/chat/completions");
    }
    const names variables("https://gateway.example");
    EXPECT_EQ(client_config::from_python_environment().paths.chat, "/chat/completions");
}

TEST(ClientConfig, KnowsNothingOfTheEnvironmentByItself)
{
    const environment variables({{"REGOLO_API_KEY", "k"}, {"REGOLO_BASE_URL", "http://h"}});
    const client_config config;
    EXPECT_TRUE(config.key.empty());
    EXPECT_EQ(config.base_url, "https://api.regolo.ai");
}

TEST(ClientConfig, ReadsItsOwnVariables)
{
    const environment variables({{"REGOLO_API_KEY", "k"},
                                 {"REGOLO_BASE_URL", " http://h:1/v1\n"},
                                 {"REGOLO_MODEL", " m "},
                                 {"REGOLO_ALLOW_PLAINTEXT", "1"},
                                 {"REGOLO_URL", "http://other"},
                                 {"LLM", "other"}});
    for (const client_config& config :
         {client_config::from_environment(), client_config::from_python_environment()})
    {
        EXPECT_FALSE(config.key.empty());
        EXPECT_EQ(config.base_url, "http://h:1/v1");
        EXPECT_EQ(config.model, "m");
        EXPECT_TRUE(config.allow_plaintext);
    }
}

TEST(ClientConfig, TakesBlankForUnset)
{
    const environment variables({{"REGOLO_API_KEY", " \t"},
                                 {"REGOLO_BASE_URL", ""},
                                 {"REGOLO_MODEL", "\n"},
                                 {"REGOLO_ALLOW_PLAINTEXT", ""}});
    const client_config config = client_config::from_environment();
    EXPECT_TRUE(config.key.empty());
    EXPECT_EQ(config.base_url, "https://api.regolo.ai");
    EXPECT_EQ(config.model, "");
    EXPECT_FALSE(config.allow_plaintext);
}

TEST(ClientConfig, AllowsPlaintextOnlyForOne)
{
    for (const std::string value : {"0", "true", "yes", "11"})
    {
        const environment variables({{"REGOLO_ALLOW_PLAINTEXT", value}});
        EXPECT_FALSE(client_config::from_environment().allow_plaintext) << value;
    }
}

TEST(ClientConfig, ReadsStrangersVariablesOnlyWhenAsked)
{
    const environment variables(
        {{"REGOLO_API_KEY", " "}, {"API_KEY", "k"}, {"LLM", "m"}, {"REGOLO_URL", "https://other"}});
    const client_config own = client_config::from_environment();
    EXPECT_TRUE(own.key.empty());
    EXPECT_EQ(own.model, "");
    EXPECT_EQ(own.base_url, "https://api.regolo.ai");
    const client_config python = client_config::from_python_environment();
    EXPECT_FALSE(python.key.empty());
    EXPECT_EQ(python.model, "m");
    EXPECT_EQ(python.base_url, "https://other");
}

}  // namespace
}  // namespace regolo::test
