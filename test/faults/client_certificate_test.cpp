/* Servers that ask for a client certificate and then drop the connection without a word. TLS 1.3 is done for the client before
   the server looks at what it was shown, and the alert that tells of it may be lost. */

#include "faults/stage.hpp"
#include "support/certificates.hpp"
#include "testing/certificates.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

namespace regolo::test {

namespace {

using namespace std::chrono_literals;

/// How far the exchange has come.
enum class moment
{
    handshake,  // done for the server, which has read no byte of the request
    request,    // read
};

/// As long as that after the handshake, a loss may be due to it.
constexpr auto window = 5s;

/// When and how a server drops the connection of a first exchange.
struct loss
{
    moment when = moment::request;
    std::chrono::nanoseconds after{0};
    fault how = fault::reset;
};

::testing::AssertionResult contains(const std::string& text, std::string_view part)
{
    const bool found = text.find(part) != std::string::npos;
    return (found ? ::testing::AssertionSuccess() : ::testing::AssertionFailure()) << text;
}

class ClientCertificate : public ::testing::Test
{
protected:
    ClientCertificate()
    {
        on.server->ask_for_certificates();
        on.server->answer_with({});
    }

    client_config showing_one()
    {
        const auto mine = authority.issue_client("somebody");
        auto config = on.config();
        config.tls.client_cert_file = folder.write("cert", mine.pem);
        config.tls.client_key_file = folder.write("key", mine.key_pem);
        return config;
    }

    error_info drop(const client_config& config, const loss& what)
    {
        on.open(config);
        const auto handshakes = on.server->handshakes();
        const auto requests = on.server->requests();
        outcome got;
        on.start(exchange_kinds().front(), got);
        const bool is_before = what.when == moment::handshake;
        on.server->ignore_requests(is_before);
        EXPECT_TRUE(on.run_until([&] {
            return is_before ? on.server->handshakes() > handshakes
                             : on.server->requests() > requests;
        }));
        EXPECT_EQ(on.server->requests() > requests, !is_before);
        on.pass(what.after);
        on.server->strike(what.how);
        EXPECT_TRUE(on.run_until([&] { return got.is_done; }));
        EXPECT_EQ(on.server->handshakes(), handshakes + 1);  // not tried again
        return got.failure.value_or(error_info());
    }

    stage on{transport::tls};
    const testing::certificate_authority authority;
    const temporary_folder folder;
};

TEST_F(ClientCertificate, IsTheCauseOfALossRightAfterTheHandshake)
{
    const loss losses[] = {
        {moment::handshake, 0s, fault::cut},   {moment::handshake, 0s, fault::reset},
        {moment::request, 0s, fault::cut},     {moment::request, 0s, fault::reset},
        {moment::request, window, fault::cut}, {moment::request, window, fault::reset},
    };
    for (const auto& what : losses)
    {
        auto config = showing_one();
        config.retry.max_retries = 2;
        config.retry.replay_sent = true;
        const auto shown = drop(config, what);
        EXPECT_EQ(shown.code, errc::tls_refused);
        EXPECT_TRUE(contains(describe(shown), "may not accept the client certificate"));
        config.tls.client_cert_file.clear();
        config.tls.client_key_file.clear();
        const auto missing = drop(config, what);
        EXPECT_EQ(missing.code, errc::tls_refused);
        EXPECT_TRUE(contains(describe(missing), "demands a client certificate"));
    }
}

TEST_F(ClientCertificate, IsNotTheCauseOfALaterLoss)
{
    for (const auto how : {fault::cut, fault::reset})
    {
        for (const auto& config : {on.config(), showing_one()})
        {
            const auto lost = drop(config, {moment::request, window + 1ms, how});
            EXPECT_EQ(lost.code, errc::connection_lost);
            EXPECT_FALSE(contains(describe(lost), "certificate"));
        }
    }
}

TEST_F(ClientCertificate, IsNotTheCauseWhereNoneWasAskedFor)
{
    on.server.emplace(on.peer_io, transport::tls);
    on.server->answer_with({});
    for (const auto when : {moment::handshake, moment::request})
    {
        for (const auto& config : {on.config(), showing_one()})
            EXPECT_EQ(drop(config, {when}).code, errc::connection_lost);
    }
}

}  // namespace

}  // namespace regolo::test
