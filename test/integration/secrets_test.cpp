#include "integration/exchanges.hpp"
#include "support/test_proxy.hpp"

#include <regolo/testing/run.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <functional>
#include <mutex>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

// Whatever a server, a proxy or a mistake makes of a key, nothing that the library says has it, or a part of it, in it.

namespace regolo::test {

namespace {

/// Everything that was told, to be searched.
class record
{
public:
    void add(std::string_view text)
    {
        const std::lock_guard lock(mutex_);
        text_.append(text).append("\n");
    }
    void add(const metadata& told)
    {
        for (const auto* text : {&told.request_id, &told.call_id, &told.model, &told.model_asked,
                                 &told.rate_limits.type, &told.rate_limits.reset_at})
            add(*text);
        for (const auto& field : told.headers)
            add(field.name + ": " + field.value);
        for (const auto& limit : told.rate_limits.all)
            add(limit.name + ' ' + limit.reset.value_or(""));
    }
    void add(const error_info& info)
    {
        for (const auto* text :
             {&info.message, &info.server_message, &info.server_type, &info.server_code,
              &info.server_param, &info.call_id, &info.request_id, &info.partial_text})
            add(*text);
        add(info.metadata);
        add(describe(info));
        add(error(info).what());
        add(boost::json::serialize(to_json(info)));
    }
    [[nodiscard]] std::string text() const
    {
        const std::lock_guard lock(mutex_);
        return text_;
    }

private:
    mutable std::mutex mutex_;
    std::string text_;
};

/// Keeps every text of every event, and what `log_observer` makes of it.
class listener final : public observer
{
public:
    explicit listener(record& all) : all_(all) {}
    ~listener() override { all_.add(lines_.str()); }

    void call_started(const call_event& call) noexcept override
    {
        note(call);
        log_->call_started(call);
    }
    void queued(const call_event& call) noexcept override
    {
        note(call);
        log_->queued(call);
    }
    void connection_acquired(const call_event& call, const connection_event& what) noexcept override
    {
        note(call);
        log_->connection_acquired(call, what);
    }
    void request_sent(const call_event& call, const request_event& what) noexcept override
    {
        note(call);
        log_->request_sent(call, what);
    }
    void head_received(const call_event& call, const metadata& what) noexcept override
    {
        note(call);
        all_.add(what);
        log_->head_received(call, what);
    }
    void first_event(const call_event& call, const first_event_info& what) noexcept override
    {
        note(call);
        log_->first_event(call, what);
    }
    void retry_planned(const call_event& call, const retry_event& what) noexcept override
    {
        note(call);
        all_.add(what.reason);
        expect_without_words(what.reason);
        log_->retry_planned(call, what);
    }
    void call_ended(const call_event& call, const end_event& what) noexcept override
    {
        note(call);
        if (what.error != nullptr)
        {
            all_.add(*what.error);
            expect_without_words(*what.error);
        }
        all_.add(what.finish_reason);
        all_.add(what.model_served);
        all_.add(what.code.message());
        log_->call_ended(call, what);
    }
    void connection_closed(const close_event& what) noexcept override
    {
        all_.add(what.origin);
        log_->connection_closed(what);
    }

private:
    static void expect_without_words(const error_info& told)
    {
        EXPECT_EQ(told.server_message + told.server_param + told.partial_text, "");
        EXPECT_TRUE(told.metadata.headers.empty());
    }
    void note(const call_event& call)
    {
        for (const auto text : {call.call_id, call.operation, call.path, call.server_address})
            all_.add(text);
        all_.add(call.model);
    }

    record& all_;
    std::ostringstream lines_;
    std::shared_ptr<observer> log_ = log_observer(lines_);
};

/// A secret and each part of it that is long enough to tell something.
void expect_without(const std::string& text, const std::string& secret)
{
    constexpr std::size_t telling = 8;
    ASSERT_GE(secret.size(), telling);
    for (std::size_t at = 0; at + telling <= secret.size(); ++at)
    {
        const auto found = text.find(secret.substr(at, telling));
        ASSERT_EQ(found, std::string::npos)
            << "told: " << text.substr(found < 100 ? 0 : found - 100, 200);
    }
}

// put together here, so that nothing in the repository looks like a key
const std::string key = std::string("regolo") + "-kq7Zt2Lw9Xv4Bn6Mp1Rs8Yd3Gh5Jc0Fu-end";

class Secrets : public ::testing::Test
{
protected:
    Secrets()
    {
        config.key = key;
        config.retry.max_retries = 1;
        config.retry.initial_delay = std::chrono::milliseconds(1);
    }

    /// All kinds of exchanges with a client of that configuration; what they say goes into `told`.
    void exchange_all(client_config what, const call_options& options = {})
    {
        what.observer = std::make_shared<listener>(told);
        asio::io_context io(1);
        try
        {
            const client one(io, std::move(what));
            for (const auto each : all_kinds)
            {
                ending end;
                asio::co_spawn(io, exchange_of(each, one, options),
                               [&end](std::exception_ptr failure, std::string text) {
                                   end.note(std::move(failure), std::move(text));
                               });
                ASSERT_TRUE(run_until(io, [&] { return end.is_done; })) << name_of(each);
                ++(end.error ? failures : successes);
                if (end.error)
                    told.add(*end.error);
                EXPECT_FALSE(end.other);
            }
            one.close();
            io.restart();
            io.run_for(std::chrono::seconds(2));
        }
        catch (const error& refused)
        {
            told.add(refused.info());
            told.add(refused.what());
            ++failures;
        }
    }

    /// The same with a server that answers everything like that.
    void exchange_all(const script& answer)
    {
        server.on_request([answer](const received_request&) { return answer; });
        exchange_all(config);
    }

    test_server server{server_options::plain()};
    client_config config = config_for(server);
    record told;
    int successes = 0;
    int failures = 0;
};

struct told_by_server
{
    const char* name;
    std::function<script(const std::string&)> answer;
};

std::string in_json(std::string_view member, const std::string& word)
{
    return R"({"error":{")" + std::string(member) + R"(":"got )" + word + R"("}})";
}

std::string head_line(const std::string& fields)
{
    return http_head(200, "content-type: application/json\r\ncontent-length: 2\r\n" + fields) +
           "{}";
}

std::vector<told_by_server> answers()
{
    const auto events = [](const std::string& body) {
        return script().start_stream().send(http_chunk(body)).end_stream();
    };
    const auto refused = [](int status, std::string_view type, const std::string& body,
                            const std::string& fields = {}) {
        return script().respond(status, type, body, fields);
    };
    constexpr auto json = "application/json";
    return {
        {"Message", [=](auto& k) { return refused(401, json, in_json("message", k)); }},
        {"Code", [=](auto& k) { return refused(400, json, in_json("code", k)); }},
        {"Type", [=](auto& k) { return refused(422, json, in_json("type", k)); }},
        {"Param", [=](auto& k) { return refused(400, json, in_json("param", k)); }},
        {"Detail", [=](auto& k) { return refused(403, json, R"({"detail":")" + k + "\"}"); }},
        {"Retried", [=](auto& k) { return refused(503, json, in_json("message", k)); }},
        {"Text", [=](auto& k) { return refused(500, "text/plain", "key is " + k); }},
        {"Page", [=](auto& k) { return refused(502, "text/html", "<title>no " + k + "</title>"); }},
        {"PageOfSuccess",
         [=](auto& k) { return refused(200, "text/html; a=" + k, "<title>no " + k + "</title>"); }},
        {"Location",
         [=](auto& k) {
             return refused(307, "", "", "location: https://a.example/" + k + "\r\n");
         }},
        {"LocationWithIt",
         [=](auto& k) {
             return refused(301, "", "", "location: https://" + k + ":" + k + "@a.example/\r\n");
         }},
        {"Coding",
         [=](auto& k) { return refused(200, json, "{}", "content-encoding: " + k + "\r\n"); }},
        {"Reason",
         [=](auto& k) {
             return script().send("HTTP/1.1 401 No " + k + "\r\ncontent-length: 0\r\n\r\n");
         }},
        {"RequestId",
         [=](auto& k) { return script().send(head_line("x-request-id: " + k + "\r\n")); }},
        {"Echo", [=](auto& k) { return script().send(head_line("x-echo: Bearer " + k + "\r\n")); }},
        {"EchoOfAnError",
         [=](auto& k) {
             return refused(401, json, "{}", "www-authenticate: a=\"" + k + "\"\r\n");
         }},
        {"FieldName", [=](auto& k) { return script().send(head_line("x-" + k + ": 1\r\n")); }},
        {"RateLimit",
         [=](auto& k) {
             return script().send(
                 head_line("x-ratelimit-reset-requests: " + k + "\r\nx-ratelimit-reset-" + k +
                           ": " + k + "\r\nrate_limit_type: " + k + "\r\nreset_at: " + k + "\r\n"));
         }},
        {"ErrorUnderSuccess", [=](auto& k) { return refused(200, json, in_json("message", k)); }},
        {"NoJson", [=](auto& k) { return refused(200, json, "{" + k); }},
        {"TextUnderSuccess", [=](auto& k) { return refused(200, "text/plain", "no " + k); }},
        {"Frame", [=](auto& k) { return events("data: " + in_json("message", k) + "\n\n"); }},
        {"FrameCode", [=](auto& k) { return events("data: " + in_json("code", k) + "\n\n"); }},
        {"ErrorEvent", [=](auto& k) { return events("event: error\ndata: no " + k + "\n\n"); }},
        {"ErrorField", [=](auto& k) { return events("error: no " + k + "\n\n"); }},
        {"PlainEvent", [=](auto& k) { return events("data: no " + k + "\n\n"); }},
        {"Stray", [=](auto& k) { return events("data: {}\n\nupstream saw " + k + "\n"); }},
        {"PageAmongEvents",
         [=](auto& k) { return events("data: {}\n\n<html><title>" + k + "</title>\n"); }},
        {"FinishReason",
         [=](auto& k) {
             const auto chunk = R"({"model":")" + k +
                                R"(","choices":[{"index":0,"delta":{},"finish_reason":")" + k +
                                "\"}]}";
             return events("data: " + chunk + "\n\ndata: [DONE]\n\n");
         }},
        {"Cut",
         [=](auto& k) {
             return script()
                 .send(http_head(400, "content-length: 1000\r\n") + R"({"error":{"message":")" + k)
                 .fin();
         }},
        {"NoHttp", [=](auto& k) { return script().send(k + " is no HTTP\r\n\r\n").fin(); }},
    };
}

TEST_F(Secrets, AreNotRepeatedAfterAServer)
{
    for (const auto& [name, answer] : answers())
    {
        SCOPED_TRACE(name);
        // as it is, a part of it, both ends, and with what is often around it
        for (const auto& word : {key, key.substr(3, 20), key.substr(key.size() - 8),
                                 key.substr(0, 8), "(" + key + ")", key + key})
        {
            exchange_all(answer(word));
        }
    }
    EXPECT_GT(failures, 900);
    EXPECT_TRUE(told.text().find("[redacted]") != std::string::npos);
    expect_without(told.text(), key);
}

TEST_F(Secrets, AreNotRepeatedInEscapesEither)
{
    // Between its marks it is too short to be found as it is.
    const auto marked = std::string("rg/kq7Zt2+") + "Lw9Xv4=Bn6Mp1/Rs8Yd3";
    config.key = marked;
    const auto form = [&](std::string_view slash, std::string_view plus, std::string_view equals) {
        std::string text;
        for (const char c : marked)
            text += c == '/'   ? slash
                    : c == '+' ? plus
                    : c == '=' ? equals
                               : std::string_view(&c, 1);
        return text;
    };
    for (const auto& word :
         {form("%2F", "%2B", "%3D"), form("%2f", "%2b", "%3d"), form("%252F", "%252B", "%253D"),
          form(R"(\/)", "+", "="), form(R"(\\/)", R"(\\u002B)", R"(\\u003d)")})
    {
        for (const auto& [name, answer] : answers())
        {
            SCOPED_TRACE(name);
            exchange_all(answer(word));
        }
    }
    EXPECT_GT(failures, 700);
    for (const auto* part : {"kq7Zt2", "Lw9Xv4", "Bn6Mp1", "Rs8Yd3"})
    {
        const auto text = told.text();
        const auto found = text.find(part);
        EXPECT_EQ(found, std::string::npos)
            << "told: " << text.substr(found < 100 ? 0 : found - 100, 200);
    }
}

TEST_F(Secrets, OfTheCallersOwnHeadersNeither)
{
    config.key = credential();
    for (const bool of_client : {true, false})
    {
        call_options options;
        auto configured = config;
        (of_client ? configured.headers : options.headers)
            .emplace_back("authorization", "Bearer " + key);
        for (const auto& [name, answer] : answers())
        {
            SCOPED_TRACE(name);
            server.on_request([s = answer(key)](const received_request&) { return s; });
            exchange_all(configured, options);
        }
    }
    EXPECT_EQ(server.requests().back().header("authorization"), "Bearer " + key);
    expect_without(told.text(), key);
}

TEST_F(Secrets, AreInNoTextOfASuccess)
{
    for (const bool tls : {false, true})
    {
        auto how = options_for(tls);
        how.simulation.key = key;
        const test_server good(how);
        config.base_url = good.url();
        config.tls.ca_pem = good.ca_pem();
        exchange_all(config);
        EXPECT_EQ(good.requests().back().header("authorization"), "Bearer " + key);
    }
    EXPECT_EQ(failures, 0);
    EXPECT_EQ(successes, 14);
    EXPECT_TRUE(told.text().find("HTTP 200") != std::string::npos);
    expect_without(told.text(), key);
}

TEST_F(Secrets, AreInNoTextOfAFailureOnTheWay)
{
    const std::vector<script> ways{
        script().open_with(opening::fin),
        script().open_with(opening::rst),
        script().expect_request().fin(),
        script().expect_request().rst(),
        script().expect_request().send("HTTP/1.1 200 O").fin(),
    };
    for (const auto& way : ways)
    {
        for (std::size_t i = 0; i < 2 * std::size(all_kinds); ++i)
            server.enqueue(way);
        exchange_all(config);
    }
    EXPECT_GE(failures, 30);
    const test_server refused(server_options::https(leaf::wrong_host));
    config.base_url = refused.url();
    exchange_all(config);
    config.base_url = "http://127.0.0.1:1";
    exchange_all(config);
    config.base_url = "http://no-such-host.invalid";
    config.allow_plaintext = true;
    exchange_all(config);
    expect_without(told.text(), key);
}

TEST_F(Secrets, AreInNoTextAboutAMistake)
{
    const auto refused = [&](const std::function<void(client_config&, call_options&)>& change) {
        auto changed = config;
        call_options options;
        change(changed, options);
        const auto before = failures;
        exchange_all(std::move(changed), options);
        EXPECT_GT(failures, before);
    };
    using changed = client_config&;
    using options = call_options&;
    refused([](changed c, options) { c.key = key + "\n" + key; });
    refused([](changed c, options) { c.key = "Bearer Bearer " + key; });
    refused([](changed c, options) { c.key = "https://user:" + key + "@api.example"; });
    refused([](changed c, options) { c.base_url = key; });
    refused([](changed, options o) { o.key = key + "\t" + key; });
    for (const auto& url : {"https://" + key + "@127.0.0.1", "https://user:" + key + "@127.0.0.1",
                            "https://127.0.0.1/?key=" + key, "https://127.0.0.1/#" + key,
                            "ftp://" + key, "https://127.0.0.1:" + key, "https://127.0.0.1/ " + key,
                            "https://[" + key + "]/", key + "://127.0.0.1"})
    {
        refused([&](changed c, options) { c.base_url = url; });
        refused([&](changed, options o) { o.base_url = url; });
    }
    refused([](changed c, options) { c.headers.emplace_back("x-key " + key, "1"); });
    refused([](changed c, options) { c.headers.emplace_back("x-key", key + "\n"); });
    refused([](changed c, options) { c.headers.emplace_back("Authorization: " + key, ""); });
    for (const auto& path : {"/v1/chat#" + key, "/v1/chat " + key, "https://u:" + key + "@a/v1"})
        refused([&](changed c, options) {
            c.paths.chat = path;
            c.paths.completions = path;
        });
    refused(
        [](changed c, options) { c.proxy = proxy_options("socks5://u:" + key + "@127.0.0.1"); });
    refused([](changed c, options) { c.proxy = proxy_options("http://u:" + key + "@"); });
    refused([](changed c, options) { c.proxy = proxy_options("http://u:" + key + "@a:b:c"); });
    refused([](changed c, options) { c.proxy = proxy_options("http://u:" + key + " @127.0.0.1"); });
    refused([](changed c, options) { c.proxy = proxy_options("http://127.0.0.1/" + key); });
    refused([](changed c, options) {
        c.base_url = "https://127.0.0.1:1";
        c.tls.ca_pem = key;
    });
    refused([](changed c, options) {
        c.base_url = "http://public.example";
        c.allow_plaintext = false;
    });
    expect_without(told.text(), key);
}

TEST_F(Secrets, OfAnAnswerThatBreaksOffNeither)
{
    // Observers are told nothing of what had arrived; the listener looks at that.
    server.on_request([](const received_request&) {
        return script()
            .start_stream()
            .event(R"({"choices":[{"index":0,"delta":{"content":"private"}}]})")
            .fin();
    });
    call_options options;
    options.as_stream = true;
    exchange_all(config, options);
    EXPECT_TRUE(told.text().find("private") != std::string::npos);  // the caller is
    EXPECT_GT(failures, 0);
}

TEST_F(Secrets, OfProxiesMayBeWordsOfAnAnswer)
{
    // A password may be a common word: what a model has said stays whole, but for the key.
    server.on_request([](const received_request&) {
        return script()
            .start_stream()
            .event(R"({"choices":[{"index":0,"delta":{"content":"your password, )" + key +
                   R"( or a password"}}]})")
            .fin();
    });
    const test_proxy proxy;
    config.proxy = proxy_options(proxy.url("me:password"));
    call_options options;
    options.as_stream = true;
    exchange_all(config, options);
    EXPECT_FALSE(proxy.heads().empty());
    EXPECT_NE(told.text().find("your password, [redacted] or a password"), std::string::npos);
    expect_without(told.text(), key);
}

TEST_F(Secrets, GoInPlainTextToNoOtherHostEither)
{
    asio::io_context io(1);
    const client one(io, config);
    call_options options;
    options.base_url = "http://public.example";
    options.key = key;
    try
    {
        static_cast<void>(one.preview(chat_request("sim-chat", "hi"), options));
        FAIL() << "it would be sent";
    }
    catch (const error& refused)
    {
        EXPECT_EQ(refused.code(), errc::plaintext_refused);
        expect_without(refused.what(), key);
    }
}

// A stream forgets its request with the first chunk, but not what has to be hidden.
TEST_F(Secrets, OfHeadersAreHiddenToTheEndOfAStream)
{
    config.key = "another-key";
    call_options options;
    for (const auto* name : {"api-key", "x-team"})
        options.headers.emplace_back(name, key);
    const auto answer =
        script()
            .start_stream()
            .event(R"({"id":"c","choices":[{"index":0,"delta":{"content":"Rome"}}]})")
            .event(R"({"error":{"message":"not for )" + key + "\"}}")
            .end_stream();
    server.on_request([answer](const received_request&) { return answer; });
    exchange_all(config, options);
    EXPECT_TRUE(told.text().find("not for") != std::string::npos);
    expect_without(told.text(), key);
}

TEST_F(Secrets, AreInNoPreview)
{
    asio::io_context io(1);
    call_options options;
    for (const auto* name :
         {"api-key", "X-Api-Key", "x-goog-api-key", "Cookie", "proxy-authorization"})
        options.headers.emplace_back(name, "a " + key);
    const auto show = [&](const client_config& what) {
        const client one(io, what);
        for (const bool stream : {false, true})
        {
            const auto shown = one.preview(chat_request("sim-chat", "hi"), options, stream);
            told.add(shown.to_curl());
            told.add(shown.url + shown.body + shown.method);
            for (const auto& field : shown.headers)
                told.add(field.name + ": " + field.value);
        }
    };
    show(config);
    options.headers.emplace_back("AUTHORIZATION", "Basic " + key);
    show(config);
    EXPECT_TRUE(told.text().find("$REGOLO_API_KEY") != std::string::npos);
    expect_without(told.text(), key);
}

TEST_F(Secrets, OfProxiesNeither)
{
    const std::string password = "pa55/W0rd:of+the=proxy";
    const std::string encoded = "pa55%2FW0rd%3Aof+the%3Dproxy";
    const std::string basic = "bWU6cGE1NS9XMHJkOm9mK3RoZT1wcm94eQ==";  // me:password
    test_server tls{server_options::https()};
    for (const auto& word : {password, encoded, basic, "Basic " + basic, "me:" + password})
    {
        const std::string page = "<title>no " + word + "</title>";
        const std::string json = R"({"error":{"message":"no )" + word + "\"}}";
        const auto length = [](const std::string& body) {
            return "content-length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
        };
        for (const auto& answer :
             {"HTTP/1.1 407 No " + word + "\r\n" + length(page),
              "HTTP/1.1 403 No\r\n" + length(json),
              "HTTP/1.1 502 No\r\nx-echo: " + word + "\r\n" + length(word),
              "HTTP/1.1 302 No\r\nlocation: http://" + word + "/\r\n" + length(""),
              "HTTP/1.1 200 OK\r\ncontent-type: " + word + "\r\n" + length("no " + word),
              word + "\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n" + word})
        {
            test_proxy::behaviour how;
            how.answer = answer;
            const test_proxy proxy(how);
            for (const auto* to : {&server, &tls})
            {
                auto through = config;
                through.base_url = to->url();
                through.tls.ca_pem = to->ca_pem();
                through.proxy = proxy_options(proxy.url("me:" + encoded));
                exchange_all(through);
            }
        }
    }
    test_proxy::behaviour silent;
    silent.closes = true;
    const test_proxy closing(silent);
    config.proxy = proxy_options(closing.url("me:" + encoded));
    exchange_all(config);
    EXPECT_GT(failures, 400);
    expect_without(told.text(), key);
    expect_without(told.text(), password);
    expect_without(told.text(), encoded);
    expect_without(told.text(), basic);
}

}  // namespace

}  // namespace regolo::test
