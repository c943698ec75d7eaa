#include "support/blocking_client.hpp"
#include "testing/certificates.hpp"

#include <regolo/testing/test_server.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace regolo::test {

using namespace regolo::testing;

namespace {

using namespace std::chrono_literals;

const std::string get_models = "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n";

std::string post(const std::string& body)
{
    return "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
}

blocking_client::tls_options trusting(const test_server& server)
{
    blocking_client::tls_options options;
    options.ca_pem = server.ca_pem();
    return options;
}

/// Both kinds of server give the same answers.
class TestServer : public ::testing::TestWithParam<bool>
{
protected:
    static server_options options()
    {
        return GetParam() ? server_options::https() : server_options::plain();
    }

    static std::unique_ptr<blocking_client> connect(const test_server& server)
    {
        auto client = std::make_unique<blocking_client>(server.port());
        if (GetParam())
        {
            EXPECT_TRUE(client->start_tls(trusting(server))) << client->error();
        }
        return client;
    }
};

INSTANTIATE_TEST_SUITE_P(Plain, TestServer, ::testing::Values(false));
INSTANTIATE_TEST_SUITE_P(Tls, TestServer, ::testing::Values(true));

TEST_P(TestServer, RecordsRequests)
{
    test_server server(options());
    server.on_request(
        [](const received_request&) { return script().respond(200, "text/plain", "yes"); });
    const auto client = connect(server);
    client->send(post("hello"));
    EXPECT_EQ(client->read_answer(),
              "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 3\r\n\r\nyes");
    client->send(
        "PUT /x?y=1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\nA: "
        "b\r\n\r\n3\r\nabc\r\n2;e=1\r\nde\r\n0\r\nT: 1\r\n\r\n");
    EXPECT_NE(client->read_answer(), "");
    ASSERT_TRUE(server.wait_until([&] { return server.counts().answered == 2; }));
    const auto requests = server.requests();
    ASSERT_EQ(requests.size(), 2U);
    EXPECT_EQ(requests[0].method, "POST");
    EXPECT_EQ(requests[0].body, "hello");
    EXPECT_EQ(requests[0].header("HOST"), "localhost");
    EXPECT_EQ(requests[1].method, "PUT");
    EXPECT_EQ(requests[1].target, "/x?y=1");
    EXPECT_EQ(requests[1].path(), "/x");
    EXPECT_EQ(requests[1].body, "abcde");
    EXPECT_EQ(requests[1].connection, 0U);
    EXPECT_EQ(requests[1].sequence, 1U);
    EXPECT_TRUE(requests[1].is_answered);
    EXPECT_EQ(server.counts().accepted, 1U);
}

TEST_P(TestServer, ReadsRequestsByteByByte)
{
    test_server server(options());
    server.on_request(
        [](const received_request& r) { return script().respond(200, "text/plain", r.body); });
    const auto client = connect(server);
    for (const char c : post("abc") + post("d"))
        client->send(std::string_view(&c, 1));
    EXPECT_NE(client->read_answer().find("\r\n\r\nabc"), std::string::npos);
    EXPECT_NE(client->read_answer().find("\r\n\r\nd"), std::string::npos);
}

TEST_P(TestServer, RefusesWhatIsNoHttp)
{
    test_server server(options());
    const auto client = connect(server);
    client->send("hello\r\n\r\n");
    EXPECT_EQ(client->read_all().substr(0, 12), "HTTP/1.1 400");
    EXPECT_EQ(client->how_it_ended(), ending::orderly);
}

TEST_P(TestServer, SendsPiecesOneByOne)
{
    test_server server(options());
    server.enqueue(script().expect_request().send_pieces("0123456789", 1).fin());
    const auto client = connect(server);
    client->send(get_models);
    if (GetParam())
    {
        EXPECT_EQ(client->read_some(), "0");  // SSL_read returns one record, and every piece is one
    }
    EXPECT_EQ(client->read_to("9").back(), '9');
    EXPECT_EQ(client->read_all(), "");
    EXPECT_EQ(client->how_it_ended(), ending::orderly);
    EXPECT_EQ(server.requests().at(0).pieces_written, 10U);
}

TEST_P(TestServer, SendsPiecesCutAtOffsets)
{
    test_server server(options());
    server.enqueue(script().expect_request().send_cut("abcdef", {0, 2, 2, 5, 99}).fin());
    const auto client = connect(server);
    client->send(get_models);
    EXPECT_EQ(client->read_all(), "abcdef");
    EXPECT_EQ(server.requests().at(0).pieces_written, 3U);
}

TEST_P(TestServer, WaitsForGates)
{
    test_server server(options());
    gate reached;
    gate go_on;
    server.enqueue(
        script().expect_request().send("first").open(reached).pause(go_on).send("second").fin());
    const auto client = connect(server);
    client->send(get_models);
    ASSERT_TRUE(reached.wait());
    EXPECT_EQ(client->read_to("first"), "first");
    EXPECT_EQ(server.counts().answered, 0U);
    go_on.open();
    EXPECT_EQ(client->read_all(), "second");
}

TEST_P(TestServer, PausesForALength)
{
    test_server server(options());
    server.enqueue(script().expect_request().send("a").pause(30ms).send("b").fin());
    const auto client = connect(server);
    const auto begin = std::chrono::steady_clock::now();
    client->send(get_models);
    EXPECT_EQ(client->read_all(), "ab");
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 30ms);
}

TEST_P(TestServer, ResetsAndCuts)
{
    test_server server(options());
    server.enqueue(script().expect_request().send("abc").rst());
    server.enqueue(script().expect_request().send("abc").cut_tls());
    const auto first = connect(server);
    first->send(get_models);
    static_cast<void>(first->read_all());
    EXPECT_EQ(first->how_it_ended(), ending::reset);
    const auto second = connect(server);
    second->send(get_models);
    EXPECT_EQ(second->read_all(), "abc");
    EXPECT_EQ(second->how_it_ended(), GetParam() ? ending::truncated : ending::orderly);
    EXPECT_EQ(server.counts().closed_by_client, 0U);
}

TEST_P(TestServer, StallsUntilTheClientCloses)
{
    test_server server(options());
    server.enqueue(script().expect_request().stall());
    auto client = connect(server);
    client->send(get_models);
    ASSERT_TRUE(server.wait_until([&] { return server.counts().requests == 1; }));
    EXPECT_EQ(server.counts().open, 1U);
    client.reset();
    EXPECT_TRUE(server.wait_until([&] { return server.counts().open == 0; }));
    EXPECT_EQ(server.counts().closed_by_client, 1U);
    EXPECT_EQ(server.counts().answered, 0U);
}

TEST_P(TestServer, StopsWritingWhenTheClientLeaves)
{
    test_server server(options());
    server.enqueue(script().expect_request().start_stream().stream([](std::string& piece) {
        piece.assign(1000, 'x');
        return true;
    }));
    auto client = connect(server);
    client->send(get_models);
    EXPECT_NE(client->read_to("xxx"), "");
    client->reset();
    ASSERT_TRUE(server.wait_until([&] { return server.counts().open == 0; }));
    const auto written = server.requests().at(0).pieces_written;
    EXPECT_GT(written, 0U);
    EXPECT_EQ(server.counts().closed_by_client, 1U);
    EXPECT_EQ(server.requests().at(0).pieces_written, written);
    EXPECT_FALSE(server.requests().at(0).is_answered);
}

TEST_P(TestServer, WritesNoFasterThanTheClientReads)
{
    auto small = options();
    small.send_buffer = 256 * 1024;
    test_server server(small);
    server.enqueue(
        script().expect_request().send_pieces(std::string(64 << 20, 'x'), 1 << 20).fin());
    const auto client = connect(server);
    client->send(get_models);
    ASSERT_TRUE(server.wait_until([&] { return server.counts().requests == 1; }));
    EXPECT_EQ(client->read_some().front(), 'x');
    EXPECT_LT(server.requests().at(0).pieces_written, 64U);
    EXPECT_GE(client->read_all().size(), std::size_t{63} << 20);
    ASSERT_TRUE(server.wait_until([&] { return server.counts().answered == 1; }));
    EXPECT_EQ(server.requests().at(0).pieces_written, 64U);
}

TEST_P(TestServer, ContinuesAScriptOnTheSameConnection)
{
    test_server server(options());
    server.enqueue(script()
                       .expect_request()
                       .respond(200, "text/plain", "1")
                       .expect_request()
                       .respond(200, "text/plain", "2"));
    server.enqueue(script().expect_request().respond(200, "text/plain", "3"));
    server.on_request(
        [](const received_request&) { return script().respond(200, "text/plain", "4"); });
    const auto client = connect(server);
    for (const char expected : std::string("1234"))
    {
        client->send(get_models);
        EXPECT_EQ(client->read_answer().back(), expected);
    }
    EXPECT_EQ(server.counts().accepted, 1U);
}

TEST_P(TestServer, TakesScriptsInOrderOfConnections)
{
    test_server server(options());
    server.enqueue(script().expect_request().respond(200, "text/plain", "1").fin());
    server.enqueue(script().expect_request().respond(200, "text/plain", "2").fin());
    const auto first = connect(server);
    ASSERT_TRUE(server.wait_until([&] { return server.counts().accepted == 1; }));
    const auto second = connect(server);
    second->send(get_models);
    EXPECT_EQ(second->read_answer().back(), '2');
    first->send(get_models);
    EXPECT_EQ(first->read_answer().back(), '1');
}

TEST_P(TestServer, AnswersThroughTheHandlerWithinAScript)
{
    test_server server(options());
    server.on_request(
        [](const received_request& r) { return script().respond(200, "text/plain", r.target); });
    server.enqueue(script().expect_request().simulate().fin());
    const auto client = connect(server);
    client->send(get_models);
    EXPECT_NE(client->read_all().find("/v1/models"), std::string::npos);
    EXPECT_EQ(client->how_it_ended(), ending::orderly);
}

TEST_P(TestServer, ReportsAHandlerThatThrows)
{
    test_server server(options());
    server.on_request([](const received_request&) -> script { throw std::runtime_error("oops"); });
    const auto client = connect(server);
    client->send(get_models);
    EXPECT_NE(client->read_all().find("oops"), std::string::npos);
}

TEST_P(TestServer, ResetsAClientThatSendsAfterTheEnd)
{
    test_server server(options());
    server.enqueue(script().expect_request().respond(200, "text/plain", "1").fin());
    const auto client = connect(server);
    client->send(get_models);
    EXPECT_EQ(client->read_answer().back(), '1');
    client->send(get_models);
    ASSERT_TRUE(server.wait_until([&] { return server.counts().open == 0; }));
    EXPECT_EQ(server.counts().requests, 1U);
    EXPECT_EQ(server.counts().closed_by_client, 0U);
}

TEST_P(TestServer, ClosesIdleConnections)
{
    auto limited = options();
    limited.idle_limit = 20ms;
    test_server server(limited);
    const auto client = connect(server);
    client->send(get_models);
    EXPECT_EQ(client->read_answer().substr(0, 15), "HTTP/1.1 200 OK");
    EXPECT_EQ(client->read_all(), "");
    EXPECT_EQ(client->how_it_ended(), ending::orderly);
}

TEST_P(TestServer, ClosesConnectionsOnDemand)
{
    test_server server(options());
    const auto client = connect(server);
    client->send(get_models);
    EXPECT_NE(client->read_answer(), "");
    server.close_connections();
    EXPECT_EQ(client->read_all(), "");
    EXPECT_EQ(client->how_it_ended(), ending::orderly);
    const auto other = connect(server);
    other->send(get_models);
    EXPECT_NE(other->read_answer(), "");
    server.reset_connections();
    EXPECT_EQ(other->read_all(), "");
    EXPECT_EQ(other->how_it_ended(), ending::reset);
}

TEST_P(TestServer, StopsAtOnceWhateverConnectionsDo)
{
    std::vector<std::unique_ptr<blocking_client>> clients;
    const gate never;
    const auto begin = std::chrono::steady_clock::now();
    {
        test_server server(options());
        server.enqueue(script().expect_request().stall());
        server.enqueue(script().expect_request().pause(1h));
        server.enqueue(script().expect_request().pause(never));
        server.enqueue(script().stop_reading().stall());
        for (int i = 0; i < 5; ++i)
        {
            clients.push_back(connect(server));
            clients.back()->send(get_models);
        }
        ASSERT_TRUE(server.wait_until([&] { return server.counts().requests >= 4; }));
    }
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
    for (const auto& client : clients)
    {
        static_cast<void>(client->read_all());
        EXPECT_NE(client->how_it_ended(), ending::timed_out);
    }
    gate(never).open();  // a gate may outlive the server
}

TEST_P(TestServer, ServesManyConnectionsAtOnce)
{
    test_server server(options());
    gate all_here;
    server.on_request([&](const received_request& request) {
        return script().start_stream().event(request.target).pause(all_here).end_stream();
    });
    std::vector<std::unique_ptr<blocking_client>> clients;
    for (int i = 0; i < 200; ++i)
    {
        clients.push_back(connect(server));
        clients.back()->send("GET /" + std::to_string(i) + " HTTP/1.1\r\n\r\n");
    }
    ASSERT_TRUE(server.wait_until([&] { return server.counts().requests == 200; }));
    EXPECT_EQ(server.counts().open, 200U);
    EXPECT_EQ(server.counts().answered, 0U);
    all_here.open();
    for (int i = 0; i < 200; ++i)
        EXPECT_NE(
            clients[static_cast<std::size_t>(i)]->read_answer().find("data: /" + std::to_string(i)),
            std::string::npos);
}

TEST_P(TestServer, RefusesBeforeTheFirstByte)
{
    test_server server(options());
    server.enqueue(script().open_with(opening::fin));
    server.enqueue(script().open_with(opening::rst));
    blocking_client first(server.port());
    EXPECT_EQ(first.read_all(), "");
    EXPECT_EQ(first.how_it_ended(), ending::orderly);
    blocking_client second(server.port());
    EXPECT_EQ(second.read_all(), "");
    EXPECT_EQ(second.how_it_ended(), ending::reset);
    EXPECT_EQ(server.counts().handshakes_failed, 0U);
}

TEST_P(TestServer, ListensOnIpv6)
{
    auto both = options();
    both.ipv6 = true;
    try
    {
        test_server server(both);
        blocking_client client(server.port(), true);
        if (GetParam())
        {
            ASSERT_TRUE(client.start_tls(trusting(server))) << client.error();
        }
        client.send(get_models);
        EXPECT_EQ(client.read_answer().substr(0, 15), "HTTP/1.1 200 OK");
        EXPECT_NE(server.url("::1").find("://[::1]:"), std::string::npos);
    }
    catch (const std::exception& error)
    {
        GTEST_SKIP() << "no IPv6 here: " << error.what();
    }
}

TEST(TestServerTls, ShakesHandsInBothVersions)
{
    for (const auto& [versions, name] :
         {std::pair(tls_versions::only_1_2, "TLSv1.2"), std::pair(tls_versions::both, "TLSv1.3")})
    {
        auto options = server_options::https();
        options.versions = versions;
        test_server server(options);
        blocking_client client(server.port());
        ASSERT_TRUE(client.start_tls(trusting(server))) << client.error();
        EXPECT_EQ(client.tls_version(), name);
        EXPECT_EQ(client.alpn(), "http/1.1");
        client.send(get_models);
        EXPECT_NE(client.read_answer(), "");
        EXPECT_EQ(server.counts().handshakes_full, 1U);
        EXPECT_EQ(server.counts().handshakes_resumed, 0U);
    }
}

TEST(TestServerTls, ResumesSessions)
{
    for (const auto versions : {tls_versions::only_1_2, tls_versions::only_1_3})
    {
        auto options = server_options::https();
        options.versions = versions;
        test_server server(options);
        auto tls = trusting(server);
        {
            blocking_client first(server.port());
            ASSERT_TRUE(first.start_tls(tls)) << first.error();
            first.send(get_models);
            EXPECT_NE(first.read_answer(), "");
            tls.session = first.session();
        }
        blocking_client second(server.port());
        ASSERT_TRUE(second.start_tls(tls)) << second.error();
        EXPECT_TRUE(second.is_resumed());
        second.send(get_models);
        EXPECT_NE(second.read_answer(), "");
        EXPECT_EQ(server.counts().handshakes_full, 1U);
        EXPECT_EQ(server.counts().handshakes_resumed, 1U);
    }
}

TEST(TestServerTls, ShowsBadCertificates)
{
    const std::pair<leaf, std::string> cases[] = {
        {leaf::wrong_host, "hostname mismatch"},
        {leaf::expired, "certificate has expired"},
        {leaf::not_yet_valid, "certificate is not yet valid"},
        {leaf::self_signed, "self-signed certificate"}};
    for (const auto& [kind, expected] : cases)
    {
        test_server server(server_options::https(kind));
        blocking_client client(server.port());
        EXPECT_FALSE(client.start_tls(trusting(server)));
        EXPECT_NE(client.error().find(expected), std::string::npos) << client.error();
        client.close();
        EXPECT_TRUE(server.wait_until([&] { return server.counts().handshakes_failed == 1; }));
    }
    test_server server;
    blocking_client::tls_options stranger;
    stranger.ca_pem = certificate_authority().pem();
    blocking_client client(server.port());
    EXPECT_FALSE(client.start_tls(stranger));
}

TEST(TestServerTls, DemandsClientCertificates)
{
    auto options = server_options::https();
    options.demand_client_certificate = true;
    options.versions =
        tls_versions::only_1_2;  // where the client sees the refusal in the handshake
    test_server server(options);
    blocking_client without(server.port());
    EXPECT_FALSE(without.start_tls(trusting(server)));
    blocking_client with(server.port());
    auto tls = trusting(server);
    const auto identity = server.client_certificate();
    tls.client_certificate_pem = identity.pem;
    tls.client_key_pem = identity.key_pem;
    ASSERT_TRUE(with.start_tls(tls)) << with.error();
    with.send(get_models);
    EXPECT_EQ(with.read_answer().substr(0, 15), "HTTP/1.1 200 OK");
}

TEST(TestServerTls, RefusesTheHandshake)
{
    test_server server;
    server.enqueue(script().open_with(opening::refuse_handshake));
    blocking_client client(server.port());
    EXPECT_FALSE(client.start_tls(trusting(server)));
    EXPECT_EQ(client.how_it_ended(), ending::tls_failure);
    EXPECT_NE(client.error().find("handshake failure"), std::string::npos) << client.error();
}

TEST(TestServerTls, NeverShakesHands)
{
    test_server server;
    server.enqueue(script().open_with(opening::never_handshake));
    blocking_client client(server.port());
    client.send("not a ClientHello, but nobody answers");
    client.close();
    EXPECT_TRUE(server.wait_until([&] { return server.counts().closed_by_client == 1; }));
    EXPECT_EQ(server.counts().open, 0U);
    EXPECT_EQ(server.counts().handshakes_failed, 0U);
}

TEST(TestServerTls, PutsGarbageBesideTheSession)
{
    test_server server;
    server.enqueue(script().expect_request().send("abc").send_raw("this is no TLS record"));
    blocking_client client(server.port());
    ASSERT_TRUE(client.start_tls(trusting(server)));
    client.send(get_models);
    EXPECT_EQ(client.read_all(), "abc");
    EXPECT_EQ(client.how_it_ended(), ending::tls_failure);
}

TEST(TestServerTls, AnswersPlainTextWithAnEnd)
{
    test_server server;
    blocking_client client(server.port());
    client.send(get_models);
    static_cast<void>(client.read_all());
    EXPECT_NE(client.how_it_ended(), ending::timed_out);
    EXPECT_EQ(server.counts().handshakes_failed, 1U);
}

TEST(TestServerHandler, MayBeThereFromTheFirstConnectionOn)
{
    auto options = server_options::plain();
    options.handler = [](const received_request&) {
        return script().respond(200, "text/plain", "from the handler");
    };
    const test_server server(options);
    blocking_client client(server.port());
    client.send(get_models);
    EXPECT_TRUE(client.read_answer().ends_with("from the handler"));
}

TEST(TestServerAuthority, OfAnEarlierServerIsTrustedAfterARestart)
{
    std::shared_ptr<const certificate_authority> authority;
    blocking_client::tls_options trust;
    {
        const test_server first(server_options::https());
        authority = first.authority();
        trust = trusting(first);
    }
    auto same = server_options::https();
    same.authority = authority;
    const test_server second(same);
    const test_server stranger(server_options::https());
    EXPECT_TRUE(blocking_client(second.port()).start_tls(trust));
    EXPECT_FALSE(blocking_client(stranger.port()).start_tls(trust)) << "each has one of its own";
}

}  // namespace

}  // namespace regolo::test
