#include "integration/client_fixture.hpp"
#include "support/test_proxy.hpp"

#include <regolo/upload.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

// No string that a program can set reaches the head of a request as anything but what it is there: each is given every text
// that could break out of its place, and what the server receives is compared, line by line.

namespace regolo::test {

namespace {

using namespace std::string_literals;

/// What could end a line, a string or a reader, and with it begin something else.
struct bad_text
{
    const char* name;
    std::string text;
};

const std::vector<bad_text>& bad_texts()
{
    static const std::vector<bad_text> all{
        {"CrLf", "\r\nx-evil: 1\r\n\r\n"},
        {"Lf", "\nx-evil: 1\n\n"},
        {"Cr", "\rx-evil: 1"},
        {"ZeroByte", "a\0b"s},
        {"Delete",
         "a\x7f"
         "b"},
        {"Accent", "\xc3\xa9"},
        {"NoUtf8", "a\xff\xfe"},
        {"Quotes", "\"'<>"},
        {"Long", std::string(100'000, 'a')},
    };
    return all;
}

/// What a call is made of.
struct setting
{
    client_config config;
    call_options options;
    chat_request chat{"sim-chat", "Tell me something about Rome."};
    api_request raw{"POST", "/v1/chat/completions", std::string_view("{}")};
    transcription_request form{"whisper", upload::bytes("RIFF", "a.wav")};
};

enum class ask
{
    chat,
    raw,
    form
};

/// A string of the caller's, and which of the texts it takes: in their order, '+' is sent and '-' refused.
struct place
{
    const char* name;
    const char* takes;
    ask how;
    std::function<void(setting&, const std::string&)> set;
};

const std::vector<place>& places()
{
    // The texts:                CrLf Lf Cr Zero Delete Accent NoUtf8 Quotes Long
    constexpr auto ascii = "-------++";    // visible ASCII only
    constexpr auto token = "--------+";    // of HTTP
    constexpr auto value = "-----++++";    // of a field
    constexpr auto json = "++++++-++";     // text
    constexpr auto encoded = "+++++++++";  // anything
    static const std::vector<place> all{
        {"Key", ascii, ask::chat, [](auto& s, const auto& t) { s.config.key = "k" + t + "k"; }},
        {"KeyOfTheCall", ascii, ask::chat,
         [](auto& s, const auto& t) { s.options.key = "k" + t + "k"; }},
        {"UserAgent", value, ask::chat, [](auto& s, const auto& t) { s.config.user_agent = t; }},
        {"Header", value, ask::chat,
         [](auto& s, const auto& t) { s.config.headers.emplace_back("x-mine", t); }},
        {"HeaderOfTheCall", value, ask::chat,
         [](auto& s, const auto& t) { s.options.headers.emplace_back("x-mine", t); }},
        {"HeaderName", token, ask::chat,
         [](auto& s, const auto& t) { s.options.headers.emplace_back("x" + t, "1"); }},
        {"Authorization", value, ask::chat,
         [](auto& s, const auto& t) { s.options.headers.emplace_back("Authorization", "k" + t); }},
        {"RemovedHeader", encoded, ask::chat,
         [](auto& s, const auto& t) { s.options.remove_headers.push_back(t); }},
        {"CallId", value, ask::chat, [](auto& s, const auto& t) { s.options.call_id = t; }},
        {"BaseUrl", token, ask::chat, [](auto& s, const auto& t) { s.config.base_url += "/" + t; }},
        {"BaseUrlOfTheCall", token, ask::chat,
         [](auto& s, const auto& t) { s.options.base_url = s.config.base_url + "/" + t; }},
        {"Host", "---------", ask::chat,
         [](auto& s, const auto& t) { s.config.base_url = "http://a" + t + ".localhost/"; }},
        {"EndpointPath", ascii, ask::chat,
         [](auto& s, const auto& t) { s.config.paths.chat += t; }},
        {"Path", ascii, ask::raw, [](auto& s, const auto& t) { s.raw.path += t; }},
        {"QueryOfThePath", ascii, ask::raw,
         [](auto& s, const auto& t) { s.raw.path += "?q=" + t; }},
        {"Method", token, ask::raw, [](auto& s, const auto& t) { s.raw.method += t; }},
        {"ContentType", value, ask::raw, [](auto& s, const auto& t) { s.raw.content_type = t; }},
        {"Body", encoded, ask::raw, [](auto& s, const auto& t) { s.raw.body = t; }},
        {"QueryName", encoded, ask::chat,
         [](auto& s, const auto& t) { s.options.query.emplace_back(t, "1"); }},
        {"QueryValue", encoded, ask::chat,
         [](auto& s, const auto& t) { s.options.query.emplace_back("q", t); }},
        {"Model", json, ask::chat, [](auto& s, const auto& t) { s.chat.model = t; }},
        {"DefaultModel", json, ask::chat,
         [](auto& s, const auto& t) {
             s.chat.model.clear();
             s.config.model = t;
         }},
        {"Prompt", json, ask::chat, [](auto& s, const auto& t) { s.chat.user(t); }},
        {"StopWord", json, ask::chat, [](auto& s, const auto& t) { s.chat.stop = {t}; }},
        {"EndUser", json, ask::chat, [](auto& s, const auto& t) { s.chat.end_user = t; }},
        {"Metadata", json, ask::chat, [](auto& s, const auto& t) { s.chat.metadata["a"] = t; }},
        {"MetadataName", json, ask::chat, [](auto& s, const auto& t) { s.chat.metadata[t] = 1; }},
        {"ToolName", json, ask::chat,
         [](auto& s, const auto& t) {
             s.chat.tools.emplace_back();
             s.chat.tools.back().name = t;
         }},
        {"ExtraName", json, ask::chat, [](auto& s, const auto& t) { s.chat.extra[t] = 1; }},
        {"FormField", json, ask::form, [](auto& s, const auto& t) { s.form.prompt = t; }},
        {"FormFieldName", json, ask::form, [](auto& s, const auto& t) { s.form.extra[t] = "1"; }},
        {"FileName", "+++-++-++", ask::form,
         [](auto& s, const auto& t) { s.form.file.file_name = t; }},
        {"MediaType", value, ask::form,
         [](auto& s, const auto& t) { s.form.file.content_type = t; }},
    };
    return all;
}

using head_line = std::pair<std::string, std::string>;

/// Names and values of a head, without the values that differ from call to call.
std::vector<head_line> lines_of(const received_request& got)
{
    std::vector<head_line> lines{{got.method, got.version}};
    for (const auto& [name, value] : got.headers)
    {
        const bool differs = name == "Content-Length" || name.find("-id") != std::string::npos ||
                             value.starts_with("multipart/form-data; boundary=");
        lines.emplace_back(name, differs ? "" : value);
    }
    return lines;
}

class Injection : public ::testing::Test
{
protected:
    Injection()
    {
        server.on_request([](const received_request& got) {
            const bool is_form = got.header("content-type").starts_with("multipart/");
            return script().respond(200, "application/json",
                                    is_form ? R"({"text":"yes"})" : answer_json("yes"));
        });
    }

    std::optional<error_info> failure(const setting& what, ask how)
    {
        const auto outcome = [](const auto& got) {
            return got ? std::nullopt : std::optional(got.error());
        };
        const auto body = [&]() -> asio::awaitable<std::optional<error_info>> {
            const client one(co_await asio::this_coro::executor, what.config);
            if (how == ask::chat)
                co_return outcome(co_await try_await(one.chat(what.chat, what.options)));
            if (how == ask::raw)
                co_return outcome(co_await try_await(one.request(what.raw, what.options)));
            co_return outcome(co_await try_await(one.transcribe(what.form, what.options)));
        };
        try
        {
            return run(body());
        }
        catch (const error& refused)  // the client was not made
        {
            return refused.info();
        }
    }

    /// Such a text is in that place of a request, and in no other.
    void expect_sent(const place& where, const bad_text& bad, const setting& plain)
    {
        setting changed = plain;
        where.set(changed, bad.text);
        const auto before = server.counts().requests;
        const auto failed = failure(changed, where.how);
        ASSERT_FALSE(failed) << describe(*failed);
        ASSERT_EQ(server.counts().requests, before + 1);
        const auto got = server.requests().back();
        auto lines = lines_of(got);
        const auto added = std::erase_if(lines, [&](const auto& line) {
            return line.first == "x-mine" || line.first == "x" + bad.text;
        });
        EXPECT_LE(added, 1U);
        EXPECT_FALSE(got.has_header("x-evil"));
        auto expected = lines_of(sent_plain(plain, where.how));
        ASSERT_EQ(lines.size(), expected.size());
        // That one field, if it is one.
        std::sort(lines.begin(), lines.end());
        std::sort(expected.begin(), expected.end());
        std::vector<head_line> changes;
        std::set_difference(lines.begin(), lines.end(), expected.begin(), expected.end(),
                            std::back_inserter(changes));
        EXPECT_LE(changes.size(), 1U);
    }

    received_request sent_plain(const setting& plain, ask how)
    {
        const auto failed = failure(plain, how);
        EXPECT_FALSE(failed) << describe(*failed);
        return server.requests().back();
    }

    void expect_refused(const place& where, const bad_text& bad, const setting& plain)
    {
        setting changed = plain;
        where.set(changed, bad.text);
        const auto before = server.counts().accepted;
        const auto failed = failure(changed, where.how);
        ASSERT_TRUE(failed);
        EXPECT_EQ(server.counts().accepted, before);
        EXPECT_FALSE(failed->sent);
        const auto& code = failed->code;
        EXPECT_TRUE(code == errc::invalid_request || code == errc::bad_config ||
                    code == errc::bad_url)
            << describe(*failed);
        // The text stays out of a log's line.
        EXPECT_FALSE(contains(failed->message, bad.text));
        EXPECT_EQ(describe(*failed).find_first_of("\r\n\0\x7f"s), std::string::npos);
    }

    test_server server{server_options::plain()};
};

TEST_F(Injection, NoTextLeavesItsPlace)
{
    setting plain;
    plain.config = config_for(server);
    for (const auto& where : places())
    {
        for (std::size_t i = 0; i < bad_texts().size(); ++i)
        {
            const auto& bad = bad_texts()[i];
            SCOPED_TRACE(std::string(where.name) + " with " + bad.name);
            if (where.takes[i] == '+')
                expect_sent(where, bad, plain);
            else
                expect_refused(where, bad, plain);
        }
    }
}

TEST_F(Injection, TheFieldsOfTheMessageItselfAreNotTheCallers)
{
    setting plain;
    plain.config = config_for(server);
    for (const auto* name :
         {"Host", "content-length", "TRANSFER-ENCODING", "Connection", "Keep-Alive", "Upgrade",
          "Proxy-Connection", "TE", "Trailer", "Expect"})
    {
        for (const bool of_client : {true, false})
        {
            setting changed = plain;
            auto& headers = of_client ? changed.config.headers : changed.options.headers;
            headers.emplace_back(name, "1");
            const auto failed = failure(changed, ask::chat);
            ASSERT_TRUE(failed) << name;
            EXPECT_EQ(failed->code, errc::invalid_request);
            EXPECT_TRUE(contains(failed->message, name));
        }
    }
    EXPECT_EQ(server.counts().accepted, 0U);
}

TEST_F(Injection, ProxiesTakeNoneEither)
{
    const test_proxy proxy;
    const auto at = proxy.url().substr(7);
    const auto through = [&](const std::string& url) {
        setting changed;
        changed.config = config_for(server);
        changed.config.proxy = proxy_options(url);
        return failure(changed, ask::chat);
    };
    for (const auto& bad : bad_texts())
    {
        const bool is_visible = bad.name == "Quotes"s || bad.name == "Long"s;
        for (const auto& url : {"http://u" + bad.text + ":p@" + at,
                                "http://u:p" + bad.text + "@" + at, "http://" + bad.text + at})
        {
            if (is_visible)
                continue;
            const auto failed = through(url);
            ASSERT_TRUE(failed) << bad.name;
            EXPECT_EQ(failed->code, errc::bad_config) << describe(*failed);
            EXPECT_FALSE(contains(failed->message, bad.text));
        }
    }
    for (const auto* bad : {"%0d%0ax-evil: 1", "%0D%0A", "%00", "%7f", "%0a"})
    {
        EXPECT_TRUE(through("http://u" + std::string(bad) + ":p@" + at)) << bad;
        EXPECT_TRUE(through("http://u:p" + std::string(bad) + "@" + at)) << bad;
    }
    EXPECT_EQ(proxy.heads().size(), 0U);
    EXPECT_FALSE(through("http://u%C3%A9:%22p@" + at));
    ASSERT_EQ(proxy.heads().size(), 1U);
    EXPECT_TRUE(contains(proxy.heads()[0], "\r\nProxy-Authorization: Basic dcOpOiJw\r\n"));
}

}  // namespace

}  // namespace regolo::test
