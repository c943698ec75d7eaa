#include "integration/client_fixture.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

// What goes wrong on the first day: each text says what failed and what to do about it.

namespace regolo::test {

namespace {

class ErrorText : public ::testing::Test
{
protected:
    /// The error of one chat; its text is kept with the test's result.
    error_info ask(client_config config, std::string_view model = "sim-chat")
    {
        auto got = run(chat_once(std::move(config), question(model)));
        EXPECT_TRUE(got.has_error());
        if (!got.has_error())
            return {};
        RecordProperty("what", describe(got.error()));
        EXPECT_FALSE(contains(describe(got.error()), "Rome"));
        return got.error();
    }

    static void expect_text(const error_info& got, std::initializer_list<const char*> parts)
    {
        for (const auto* part : parts)
            EXPECT_TRUE(contains(describe(got), part));
    }
};

TEST_F(ErrorText, WrongKey)
{
    const test_server server;
    auto config = config_for(server);
    config.key = "sk-wrong-0123456789abcdef";
    const auto got = ask(config);
    EXPECT_EQ(got.code, errc::unauthorized);
    EXPECT_EQ(got.attempts, 1);
    expect_text(got, {"401", "REGOLO_API_KEY"});
    EXPECT_FALSE(contains(describe(got), "0123456789abcdef"));
    EXPECT_FALSE(contains(got.server_message, "0123456789abcdef"));
}

TEST_F(ErrorText, WrongModel)
{
    const test_server server;
    const auto got = ask(config_for(server), "no-such-model");
    EXPECT_EQ(got.code, errc::not_found);
    expect_text(got, {"no-such-model", "client.models()"});
}

TEST_F(ErrorText, NoServer)
{
    client_config config;
    {
        asio::io_context io;
        const asio::ip::tcp::acceptor gone(io, {asio::ip::make_address("127.0.0.1"), 0});
        config.base_url = "http://127.0.0.1:" + std::to_string(gone.local_endpoint().port());
    }
    config.retry.max_retries = 0;
    const auto got = ask(config);
    EXPECT_EQ(got.code, asio::error::connection_refused);
    EXPECT_EQ(got.where, phase::connect);
    expect_text(got, {"127.0.0.1", "is the server running", "base_url"});
}

TEST_F(ErrorText, NoSuchHost)
{
    client_config config;
    config.base_url = "http://no-such-host.invalid";
    config.retry.max_retries = 0;
    config.time.connect = 5s;
    const auto got = ask(config);
    EXPECT_EQ(got.where, phase::resolve);
    EXPECT_FALSE(got.sent);
    expect_text(got, {"no-such-host.invalid", "base_url"});
}

TEST_F(ErrorText, CertificateOfAnotherHost)
{
    const test_server server(server_options::https(leaf::wrong_host));
    const auto got = ask(config_for(server));
    EXPECT_EQ(got.code, errc::certificate_refused);
    EXPECT_EQ(got.where, phase::tls);
    EXPECT_EQ(got.attempts, 1);
    EXPECT_FALSE(got.sent);
    expect_text(got, {"127.0.0.1", "wrong.example", "base_url"});
}

TEST_F(ErrorText, CertificateOfAnotherHostByName)
{
    const test_server server(server_options::https(leaf::wrong_host));
    const auto got = ask(config_for(server, "localhost"));
    EXPECT_EQ(got.code, errc::certificate_refused);
    expect_text(got, {"localhost", "wrong.example"});
}

// No hosts file and no name server knows this one.
TEST_F(ErrorText, NamesBelowLocalhostAreThisMachine)
{
    const test_server server(server_options::plain());
    const auto got = ask(config_for(server, "some.localhost"), "no-such-model");
    EXPECT_EQ(got.code, errc::not_found);
}

TEST_F(ErrorText, UnknownAuthority)
{
    const test_server server;
    auto config = config_for(server);
    config.tls.ca_pem.clear();
    const auto got = ask(config);
    EXPECT_EQ(got.code, errc::certificate_refused);
    expect_text(got, {"tls_options::ca_file"});
}

TEST_F(ErrorText, CertificatesThatAreRefused)
{
    const struct
    {
        leaf certificate;
        std::initializer_list<const char*> told;
    } cases[] = {
        {leaf::self_signed, {"self", "tls_options::ca_file"}},
        {leaf::expired, {"expired"}},
        {leaf::not_yet_valid, {"not yet valid", "clock"}},
    };
    for (const auto& [certificate, told] : cases)
    {
        const test_server server(server_options::https(certificate));
        const auto got = ask(config_for(server));
        EXPECT_EQ(got.code, errc::certificate_refused);
        EXPECT_EQ(got.attempts, 1);
        expect_text(got, told);
    }
}

TEST_F(ErrorText, VerificationSwitchedOff)
{
    const test_server server(server_options::https(leaf::self_signed));
    auto config = config_for(server);
    config.tls.dangerously_skip_verification = true;
    EXPECT_TRUE(run(chat_once(config, question())).has_value());
}

TEST_F(ErrorText, PlainServerAskedForTls)
{
    test_server server(server_options::plain());
    server.enqueue(script().send(http_head(400, "content-length: 0\r\n")).fin());
    auto config = config_for(server);
    config.base_url.replace(0, 4, "https");
    config.retry.max_retries = 0;
    const auto got = ask(config);
    EXPECT_EQ(got.where, phase::tls);
    expect_text(got, {"http://"});
}

TEST_F(ErrorText, TlsServerAskedInPlain)
{
    const test_server server;
    auto config = config_for(server);
    config.base_url.replace(0, 5, "http");
    config.retry.max_retries = 0;
    const auto got = ask(config);
    EXPECT_EQ(got.where, phase::head);
    expect_text(got, {"https://"});
}

TEST_F(ErrorText, HandshakeRefused)
{
    test_server server;
    server.enqueue(script().open_with(opening::refuse_handshake));
    auto config = config_for(server);
    config.retry.max_retries = 0;
    const auto got = ask(config);
    EXPECT_EQ(got.where, phase::tls);
    expect_text(got, {"handshake"});
}

TEST_F(ErrorText, ClientCertificateMissing)
{
    server_options how;
    how.demand_client_certificate = true;
    const test_server server(how);
    auto config = config_for(server);
    config.retry.max_retries = 0;
    const auto got = ask(config);
    EXPECT_FALSE(contains(describe(got), "HTTP"));
    expect_text(got, {"certificate required", "tls_options::client_cert_file"});
}

TEST_F(ErrorText, HtmlPageOfAProxy)
{
    const test_server server;
    auto config = config_for(server);
    config.retry.max_retries = 0;
    const auto got = ask(config, "html-502");
    EXPECT_EQ(got.code, errc::unavailable);
    EXPECT_EQ(got.http_status, 502);
    expect_text(got, {"502", "try again"});
    EXPECT_FALSE(contains(describe(got), "<html"));
}

TEST_F(ErrorText, NoKeyAtAll)
{
    const auto got = ask(client_config());
    EXPECT_EQ(got.code, errc::no_key);
    EXPECT_EQ(got.where, phase::prepare);
    EXPECT_EQ(got.attempts, 0);
    expect_text(got, {"REGOLO_API_KEY"});
}

TEST_F(ErrorText, NoKeyForAnotherServer)
{
    const test_server server;
    auto config = config_for(server);
    config.key = credential();
    const auto got = ask(config);
    EXPECT_EQ(got.code, errc::unauthorized);
    expect_text(got, {"REGOLO_API_KEY"});
    EXPECT_FALSE(server.requests().at(0).has_header("authorization"));
}

TEST_F(ErrorText, KeyInPlainToAPublicHost)
{
    client_config config("test-key");
    config.base_url = "http://api.example.com";
    asio::io_context io;
    try
    {
        const client one(io, config);
        FAIL() << "a client was made";
    }
    catch (const error& refused)
    {
        EXPECT_EQ(refused.code(), errc::plaintext_refused);
        expect_text(refused.info(), {"allow_plaintext", "https"});
    }
}

TEST_F(ErrorText, KeyThatCannotBeSent)
{
    client_config config("abc\ndef-secret");
    asio::io_context io;
    try
    {
        const client one(io, config);
        FAIL() << "a client was made";
    }
    catch (const error& refused)
    {
        EXPECT_EQ(refused.code(), errc::bad_config);
        expect_text(refused.info(), {"copy it again"});
        EXPECT_FALSE(contains(refused.what(), "def-secret"));
    }
}

}  // namespace

}  // namespace regolo::test
