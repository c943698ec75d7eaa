#include "integration/client_fixture.hpp"
#include "net/peer_identity.hpp"
#include "net/tls_settings.hpp"
#include "support/blocking_client.hpp"
#include "support/certificates.hpp"
#include "support/test_proxy.hpp"
#include "support/tls_server.hpp"

#include <regolo/fan_out.hpp>

#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// What the client accepts of a server's certificates, and what it says of those it refuses. The same with certificates
// of the openssl command and servers of nginx: scripts/test_tls.sh.

namespace regolo::test {
namespace {

constexpr auto here = "DNS:localhost,IP:127.0.0.1,IP:::1";

class environment_variable
{
public:
    environment_variable(const char* name, const std::string& value) : name_(name)
    {
        const char* const before = std::getenv(name);
        if (before != nullptr)
            before_ = before;
        ::setenv(name, value.c_str(), 1);
    }
    ~environment_variable()
    {
        if (before_)
            ::setenv(name_, before_->c_str(), 1);
        else
            ::unsetenv(name_);
    }
    environment_variable(const environment_variable&) = delete;
    environment_variable& operator=(const environment_variable&) = delete;

private:
    const char* name_;
    std::optional<std::string> before_;
};

certificate_plan for_names(const std::string& names)
{
    certificate_plan what;
    what.common_name = "leaf";
    if (!names.empty())
        what.extensions = {{NID_subject_alt_name, names}};
    return what;
}

class Tls : public ::testing::Test
{
protected:
    [[nodiscard]] tls_server::options show(const issued& leaf) const
    {
        tls_server::options how;
        how.chain_pem = leaf.pem() + inter.pem();
        how.key_pem = leaf.key_pem();
        return how;
    }

    [[nodiscard]] tls_server::options show(const certificate_plan& what) const
    {
        return show(issue(what, &inter));
    }

    [[nodiscard]] client_config trusting(const std::string& url) const
    {
        client_config config;
        config.base_url = url;
        config.tls.ca_pem = root.pem();
        config.retry.initial_delay = 1ms;
        return config;
    }

    static result<model_list> ask(const client_config& config)
    {
        const auto body = [&]() -> asio::awaitable<result<model_list>> {
            const client one(co_await asio::this_coro::executor, config);
            co_return co_await try_await(one.models());
        };
        return run(body());
    }

    static error_info failure(const client_config& config)
    {
        const auto got = ask(config);
        EXPECT_FALSE(got) << "the server was accepted";
        return got ? error_info() : got.error();
    }

    /// Refused once and for all: by one connection, before anything was sent.
    static void expect_refused(const client_config& config, const tls_server& server,
                               std::initializer_list<const char*> told,
                               errc code = errc::certificate_refused)
    {
        const int before = server.connections();
        const auto got = failure(config);
        EXPECT_EQ(got.code, code);
        EXPECT_EQ(got.where, phase::tls);
        EXPECT_FALSE(got.sent);
        EXPECT_EQ(got.attempts, 1);
        EXPECT_EQ(server.connections(), before + 1);
        for (const auto* part : told)
            EXPECT_TRUE(contains(describe(got), part));
    }

    /// What the making of a client with that configuration fails with.
    static void expect_unusable(const client_config& config,
                                std::initializer_list<const char*> told)
    {
        asio::io_context io;
        try
        {
            const client one(io, config);
            ADD_FAILURE() << "a client was made";
        }
        catch (const error& refused)
        {
            EXPECT_EQ(refused.code(), errc::bad_config);
            for (const auto* part : told)
                EXPECT_TRUE(contains(refused.what(), part));
        }
    }

    const issued root = issue_authority("test root");
    const issued inter = issue_authority("test intermediate", &root);
    const issued stranger = issue_authority("unknown root");
    const temporary_folder folder;
};

// ---- names

TEST_F(Tls, AcceptsTheNamesOfACertificate)
{
    const tls_server server(
        show(for_names(std::string(here) + ",DNS:*.tls.localhost,DNS:xn--bcher-kva.localhost")));
    for (const auto* host :
         {"localhost", "LOCALHOST", "localhost.", "127.0.0.1", "a.tls.localhost", "A.Tls.localhost",
          "a.tls.localhost.", "xn--bcher-kva.tls.localhost", "xn--bcher-kva.localhost"})
    {
        const auto got = ask(trusting(server.url(host)));
        EXPECT_TRUE(got) << host << ": " << describe(got.error());
    }
    auto on_v6 = show(for_names(here));
    on_v6.ipv6 = true;
    const tls_server v6(on_v6);
    const auto got = ask(trusting(v6.url("[::1]")));
    EXPECT_TRUE(got) << describe(got.error());
}

TEST_F(Tls, RefusesEveryOtherName)
{
    const struct
    {
        const char* names;
        const char* host;
        const char* told;
    } cases[] = {
        {"DNS:wrong.example", "localhost", "wrong.example"},
        {"DNS:wrong.example,IP:10.1.2.3,IP:fd00::1,URI:https://localhost/", "127.0.0.1",
         "for wrong.example, 10.1.2.3, fd00::1, https://localhost/"},
        {"DNS:127.0.0.1", "127.0.0.1", "IP address mismatch"},
        {"DNS:*.0.0.1", "127.0.0.1", "IP address mismatch"},
        {"IP:127.0.0.1", "localhost", "ostname mismatch"},
        {"DNS:*.tls.localhost", "tls.localhost", "ostname mismatch"},
        {"DNS:*.tls.localhost", "a.b.tls.localhost", "ostname mismatch"},
        {"DNS:f*.tls.localhost", "foo.tls.localhost", "ostname mismatch"},
        {"DNS:*.localhost", "a.localhost", "ostname mismatch"},
        {"DNS:a.*.localhost", "a.b.localhost", "ostname mismatch"},
        {"DNS:*", "localhost", "ostname mismatch"},
        {"email:localhost@localhost", "localhost", "ostname mismatch"},
    };
    for (const auto& [names, host, told] : cases)
    {
        SCOPED_TRACE(std::string(names) + " for " + host);
        const tls_server server(show(for_names(names)));
        expect_refused(trusting(server.url(host)), server, {told, "base_url"});
    }
}

TEST_F(Tls, PassesOverTheCommonName)
{
    for (const auto* names : {"", "IP:10.0.0.1", "DNS:other.example"})
    {
        auto what = for_names(names);
        what.common_name = "localhost";
        const tls_server server(show(what));
        expect_refused(trusting(server.url("localhost")), server,
                       {"ostname mismatch", *names == '\0' ? "no subjectAltName" : "for "});
    }
}

TEST_F(Tls, HoldsThroughAProxy)
{
    const test_proxy proxy;
    const tls_server server(show(for_names("DNS:*.example.com")));
    const auto through = [&](const char* host) {
        auto config = trusting(server.url(host));
        config.proxy = proxy_options(proxy.url());
        return config;
    };
    const auto got = ask(through("www.example.com"));
    EXPECT_TRUE(got) << describe(got.error());
    for (const auto* host : {"example.com", "a.b.example.com", "www.example.org"})
        expect_refused(through(host), server, {"ostname mismatch", "*.example.com"});
}

// ---- the chain

TEST_F(Tls, RefusesWhatItsAuthoritiesDoNotVouchFor)
{
    auto expired = for_names(here);
    expired.valid_from = -10 * day;
    expired.valid_until = -day;
    auto future = for_names(here);
    future.valid_from = day;
    auto weak = for_names(here);
    weak.rsa_bits = 1024;
    auto short_key = for_names(here);
    short_key.rsa_bits = 2040;  // which OpenSSL alone would take
    auto sha1 = for_names(here);
    sha1.digest = EVP_sha1();
    auto for_clients = for_names(here);
    for_clients.extensions.emplace_back(NID_ext_key_usage, "clientAuth");
    const struct
    {
        const char* name;
        tls_server::options how;
        std::initializer_list<const char*> told;
    } cases[] = {
        {"expired", show(expired), {"certificate has expired (CN=leaf)", "clock", "new certif"}},
        {"future", show(future), {"not yet valid", "check this system's clock: it says 20"}},
        {"weak key", show(weak), {"EE certificate key too weak", "2048 bits"}},
        {"short key", show(short_key), {"EE certificate key too weak", "2048 bits"}},
        {"SHA-1", show(sha1), {"digest algorithm too weak", "SHA-256"}},
        {"for clients", show(for_clients), {"purpose", "not issued for servers"}},
        {"self-signed",
         show(issue(for_names(here))),
         {"self-signed certificate (CN=leaf)", "tls_options::ca_file"}},
        {"unknown authority",
         show(issue(for_names(here), &stranger)),
         {"CN=unknown root is trusted here", "tls_options::ca_file"}},
    };
    for (const auto& [name, how, told] : cases)
    {
        SCOPED_TRACE(name);
        const tls_server server(how);
        expect_refused(trusting(server.url("localhost")), server, told);
    }
}

TEST_F(Tls, TellsAMissingIntermediateFromAnUnknownRoot)
{
    auto how = show(for_names(here));
    how.chain_pem = how.chain_pem.substr(0, how.chain_pem.find("-----BEGIN", 1));
    const tls_server server(how);
    auto config = trusting(server.url("localhost"));
    expect_refused(config, server,
                   {"does not send its intermediate certificate if CN=test intermediate is one",
                    "the server sent one certificate: #0 subject CN=leaf, issuer CN=test"});
    config.tls.ca_pem += inter.pem();
    EXPECT_TRUE(ask(config));

    // The root is what trust begins with: an intermediate certificate cannot stand in for it.
    config.tls.ca_pem = inter.pem();
    const tls_server whole(show(for_names(here)));
    config.base_url = whole.url("localhost");
    expect_refused(config, whole, {"no certificate of CN=test root is trusted here"});
}

TEST_F(Tls, JudgesEveryAuthorityOfTheChain)
{
    const auto plan = [](long until, unsigned bits, const EVP_MD* digest,
                         std::vector<std::pair<int, std::string>> extensions) {
        certificate_plan what;
        what.valid_from = -20 * day;
        what.valid_until = until;
        what.rsa_bits = bits;
        what.digest = digest;
        what.extensions = std::move(extensions);
        return what;
    };
    const auto* const sha256 = EVP_sha256();
    const struct
    {
        certificate_plan authority;
        const char* told;
    } cases[] = {
        {plan(-day, 0, sha256, {}), "certificate has expired (CN=bad one)"},
        {plan(day, 1024, sha256, {}), "CA certificate key too weak (CN=bad one)"},
        {plan(day, 2040, sha256, {}), "CA certificate key too weak (CN=bad one)"},
        {plan(day, 0, EVP_sha1(), {}), "digest algorithm too weak (CN=bad one)"},
        {plan(day, 0, sha256, {{NID_name_constraints, "critical,permitted;DNS:example.com"}}),
         "permitted subtree violation"},
        {plan(day, 0, sha256, {{NID_name_constraints, "critical,excluded;DNS:localhost"}}),
         "excluded subtree violation"},
    };
    for (const auto& [what, told] : cases)
    {
        SCOPED_TRACE(told);
        const auto bad = issue_authority("bad one", &root, what);
        const auto leaf = issue(for_names("DNS:localhost"), &bad);
        auto how = show(leaf);
        how.chain_pem = leaf.pem() + bad.pem();
        const tls_server server(how);
        expect_refused(trusting(server.url("localhost")), server, {told, "#1 subject CN=bad one"});
    }
    // A certificate for servers is no authority.
    auto plain = for_names(here);
    plain.common_name = "not an authority";
    plain.extensions.emplace_back(NID_basic_constraints, "critical,CA:FALSE");
    const auto between = issue(plain, &inter);
    const auto last = issue(for_names(here), &between);
    auto how = show(last);
    how.chain_pem = last.pem() + between.pem() + inter.pem();
    const tls_server server(how);
    expect_refused(trusting(server.url("localhost")), server,
                   {"invalid CA certificate (CN=not an authority)", "not allowed to issue it"});
}

TEST_F(Tls, NamesTheWholeChain)
{
    const tls_server server(show(for_names("DNS:a.example,IP:10.0.0.1")));
    const auto text = describe(failure(trusting(server.url("localhost"))));
    for (const auto* part :
         {"the certificate of localhost was refused: ", "the server sent 2 certificates",
          "#0 subject CN=leaf, issuer CN=test intermediate, valid from 20", " UTC until 20",
          ", for a.example, 10.0.0.1",
          "#1 subject CN=test intermediate, issuer CN=test root, valid from 20"})
        EXPECT_TRUE(contains(text, part));
    EXPECT_EQ(text.find("no host"), std::string::npos) << text;
}

TEST_F(Tls, TellsOfHostileCertificatesInOneBoundedLine)
{
    certificate_plan what = for_names("");
    what.common_name = "a\r\n\x1b[31mforged";
    // A name with a line break, an escape sequence, a NUL and a byte that is no UTF-8.
    what.extensions = {{NID_subject_alt_name, "DER:300e820c610a1b5b33316d00ff2e6578"}};
    std::string many;
    for (int i = 0; i < 200; ++i)
        many += (i == 0 ? "DNS:" : ",DNS:") + std::string(50, 'x') + std::to_string(i) + ".example";
    auto long_chain = show(for_names(many));
    for (int i = 0; i < 20; ++i)
        long_chain.chain_pem += issue_authority("surplus " + std::to_string(i)).pem();
    for (const auto& how : {show(what), long_chain})
    {
        const tls_server server(how);
        const auto text = describe(failure(trusting(server.url("localhost"))));
        EXPECT_TRUE(std::all_of(text.begin(), text.end(), [](char c) {
            return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
        })) << text;
        EXPECT_LT(text.size(), 3000U) << text;
        EXPECT_TRUE(contains(text, how.chain_pem == long_chain.chain_pem
                                       ? "and 192 more"
                                       : "for a\\n\\u001b[31m\\u0000"));
    }
}

// What a client meets that trusts a throw-away authority of yesterday.
TEST_F(Tls, TellsOfAnAuthorityThatWasMadeAnew)
{
    const tls_server server(show(for_names(here)));
    auto config = trusting(server.url("localhost"));
    config.tls.ca_pem = issue_authority("test root").pem();
    expect_refused(config, server, {"certificate signature failure", "was made anew", "ca_file"});
}

// ---- revocation

TEST_F(Tls, RefusesWhatIsRevoked)
{
    const auto good = issue(for_names(here), &inter);
    const auto revoked = issue(for_names(here), &inter);
    const tls_server good_server(show(good));
    const tls_server revoked_server(show(revoked));
    const auto list = revocation_list(inter, {&revoked});
    auto config = trusting(good_server.url("localhost"));
    config.tls.crl_file = folder.write("crl", list);
    EXPECT_TRUE(ask(config)) << describe(ask(config).error());
    config.base_url = revoked_server.url("localhost");
    expect_refused(config, revoked_server, {"certificate revoked (CN=leaf)", "crl_file"});
    config.tls.crl_file = folder.write("both", revocation_list(root, {}) + list);
    expect_refused(config, revoked_server, {"certificate revoked (CN=leaf)"});

    config.tls.crl_file.clear();
    EXPECT_TRUE(ask(config));
    config.tls.crl_file = folder.path("both");
    config.tls.dangerously_skip_verification = true;
    EXPECT_TRUE(ask(config));
}

// A resumed session shows no certificate that could have been revoked meanwhile.
TEST_F(Tls, ResumesNoSessionWhereRevocationIsChecked)
{
    const auto leaf = issue(for_names(here), &inter);
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
    {
        auto how = show(leaf);
        how.max_version = version;
        const tls_server server(how);
        for (const bool is_checked : {false, true})
        {
            auto config = trusting(server.url("localhost"));
            config.pool.max_idle = 0;
            if (is_checked)
                config.tls.crl_file = folder.write("crl", revocation_list(inter, {}));
            const auto before = server.resumed();
            const auto body = [&]() -> asio::awaitable<void> {
                const client one(co_await asio::this_coro::executor, config);
                co_await one.models();
                co_await one.models();
            };
            run(body());
            EXPECT_EQ(server.resumed() - before, is_checked ? 0 : 1);
        }
    }
}

TEST_F(Tls, ChecksAuthoritiesAsFarAsThereAreLists)
{
    const tls_server server(show(for_names(here)));
    auto config = trusting(server.url("localhost"));
    config.tls.crl_file =
        folder.write("revoked", revocation_list(inter, {}) + revocation_list(root, {&inter}));
    expect_refused(config, server, {"certificate revoked (CN=test intermediate)"});
    config.tls.crl_file = folder.write(
        "old root", revocation_list(inter, {}) + revocation_list(root, {}, -3 * day, -day));
    expect_refused(config, server, {"CRL has expired (CN=test intermediate)"});
    config.tls.crl_file = folder.write("leaf alone", revocation_list(inter, {}));
    EXPECT_TRUE(ask(config));
}

TEST_F(Tls, WantsACurrentListOfTheIssuer)
{
    const tls_server server(show(for_names(here)));
    auto config = trusting(server.url("localhost"));
    const auto false_inter = issue_authority("test intermediate", &stranger);
    const struct
    {
        std::string list;
        std::initializer_list<const char*> told;
    } cases[] = {
        {revocation_list(root, {}),
         {"unable to get certificate CRL", "revocation list of CN=test intermediate"}},
        {revocation_list(inter, {}, -3 * day, -day),
         {"CRL has expired", "current revocation list of CN=test intermediate", " until 20"}},
        {revocation_list(inter, {}, day, 2 * day), {"CRL is not yet valid"}},
        {revocation_list(false_inter, {}), {"CRL signature failure"}},
    };
    for (const auto& [list, told] : cases)
    {
        config.tls.crl_file = folder.write(*told.begin(), list);
        expect_refused(config, server, told);
    }
}

TEST_F(Tls, ReadsAllListsOfTheNewestDate)
{
    const auto leaf = issue(for_names(here), &inter);
    const tls_server server(show(leaf));
    auto config = trusting(server.url("localhost"));
    const auto false_inter = issue_authority("test intermediate", &stranger);
    std::string clean;
    std::string revoking;
    std::string foreign;
    std::time_t second = 0;
    do
    {
        second = std::time(nullptr);
        clean = revocation_list(inter, {});
        revoking = revocation_list(inter, {&leaf});
        foreign = revocation_list(false_inter, {&leaf});
    } while (std::time(nullptr) != second);
    config.tls.crl_file = folder.write("first", revoking + clean);
    expect_refused(config, server, {"certificate revoked (CN=leaf)", "crl_file"});
    config.tls.crl_file = folder.write("second", clean + revoking);
    expect_refused(config, server, {"certificate revoked (CN=leaf)", "crl_file"});
    // newer ones that do not count do not hide those that do
    const auto later = revocation_list(inter, {}, day, 2 * day);
    config.tls.crl_file = folder.write("later", clean + revoking + later);
    expect_refused(config, server, {"certificate revoked (CN=leaf)", "crl_file"});
    // one that the issuer has not signed says nothing
    config.tls.crl_file = folder.write("foreign", clean + foreign);
    EXPECT_TRUE(ask(config)) << describe(ask(config).error());
    // and an older one is replaced
    const auto older = revocation_list(inter, {&leaf}, -2 * day);
    config.tls.crl_file = folder.write("older", older + clean);
    EXPECT_TRUE(ask(config)) << describe(ask(config).error());
}

TEST_F(Tls, ReadsAFileAgainForANewClient)
{
    const auto leaf = issue(for_names(here), &inter);
    const tls_server server(show(leaf));
    auto config = trusting(server.url("localhost"));
    config.tls.crl_file = folder.write("crl", revocation_list(inter, {}));
    EXPECT_TRUE(ask(config));
    static_cast<void>(folder.write("crl", revocation_list(inter, {&leaf})));
    expect_refused(config, server, {"certificate revoked"});

    config = trusting(server.url("localhost"));
    config.tls.ca_pem.clear();
    config.tls.ca_file = folder.write("ca", root.pem());
    EXPECT_TRUE(ask(config));
    static_cast<void>(folder.write("ca", stranger.pem() + stranger.pem()));
    expect_refused(config, server, {"no certificate of CN=test root is trusted"});
}

// ---- versions, strength

TEST_F(Tls, NeverSpeaksAnOldVersion)
{
    for (const int version : {TLS1_VERSION, TLS1_1_VERSION})
    {
        auto how = show(for_names(here));
        how.min_version = TLS1_VERSION;
        how.max_version = version;
        const tls_server server(how);
        auto config = trusting(server.url("localhost"));
        expect_refused(config, server, {"1.2 or 1.3"}, errc::tls_refused);
        config.tls.dangerously_skip_verification = true;
        expect_refused(config, server, {"1.2 or 1.3"}, errc::tls_refused);
    }
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
    {
        auto how = show(for_names(here));
        how.min_version = how.max_version = version;
        const tls_server server(how);
        EXPECT_TRUE(ask(trusting(server.url("localhost"))));
    }
}

// In the middle of an answer, and of the request after it.
TEST_F(Tls, TakesNewKeysWhenTheServerAsks)
{
    const auto ask_often = [](client_config config) -> asio::awaitable<int> {
        const client one(co_await asio::this_coro::executor, config);
        int answers = 0;
        for (int i = 0; i != 5; ++i)
        {
            const auto got = co_await try_await(one.models());
            answers += got ? 1 : 0;
        }
        co_return answers;
    };
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
    {
        auto how = show(for_names(here));
        how.min_version = how.max_version = version;
        how.asks_anew = true;
        const tls_server server(how);
        auto config = trusting(server.url("localhost"));
        config.retry.max_retries = 0;
        EXPECT_EQ(run(ask_often(config)), 5);
        // Of TLS 1.2 what is left of the handshake looks like the end of the connection.
        if (version == TLS1_3_VERSION)
        {
            EXPECT_EQ(server.connections(), 1);
        }
    }
}

// ctest runs all of this with an openssl.cnf that allows everything, too.
TEST_F(Tls, AsksForNoLessThanTheSystemDoes)
{
    const auto settings = net::shared_settings(tls_options(), [](SSL*, SSL_SESSION*) { return 0; });
    SSL_CTX* const context = settings->context->native_handle();
    EXPECT_GE(SSL_CTX_get_security_level(context), 2);
    EXPECT_GE(SSL_CTX_get_min_proto_version(context), TLS1_2_VERSION);
}

TEST_F(Tls, RepeatsAHandshakeOnlyWhereThatMayHelp)
{
    const struct
    {
        char alert;
        bool is_lasting;
        const char* told;
    } cases[] = {
        {SSL_AD_HANDSHAKE_FAILURE, true, "handshake failure"},
        {SSL_AD_PROTOCOL_VERSION, true, "1.2 or 1.3"},
        {SSL_AD_UNRECOGNIZED_NAME, true, "knows no host of that name"},
        {SSL_AD_INSUFFICIENT_SECURITY, true, "cipher"},
        {SSL_AD_ACCESS_DENIED, true, "access denied"},
        {SSL_AD_INTERNAL_ERROR, false, "internal error"},
    };
    for (const auto& [alert, is_lasting, told] : cases)
    {
        // What it sends, it sends as it is.
        test_server server(server_options::plain());
        const std::string record{"\x15\x03\x03\x00\x02\x02", 6};
        for (int i = 0; i < 3; ++i)
            server.enqueue(script().send(record + alert).fin());
        auto config = config_for(server);
        config.base_url.replace(0, 4, "https");
        const auto got = failure(config);
        EXPECT_EQ(got.attempts, is_lasting ? 1 : 3) << told;
        EXPECT_EQ(got.code == errc::tls_refused, is_lasting) << told;
        EXPECT_EQ(got.where, phase::tls);
        EXPECT_TRUE(contains(describe(got), told));
        EXPECT_EQ(ends_fan_out(got), is_lasting) << told;
    }
}

TEST_F(Tls, TellsAServerThatSpeaksPlainHttp)
{
    test_server server(server_options::plain());
    server.enqueue(script().send(http_head(400, "content-length: 0\r\n")).fin());
    auto config = config_for(server);
    config.base_url.replace(0, 4, "https");
    const auto got = failure(config);
    EXPECT_EQ(got.code, errc::tls_refused);
    EXPECT_EQ(got.attempts, 1);
    EXPECT_TRUE(contains(describe(got), "http://"));
}

// ---- client certificates

class ClientCertificate : public Tls
{
protected:
    tls_server::options demand(int version)
    {
        auto how = show(for_names(here));
        how.min_version = how.max_version = version;
        how.client_ca_pem = root.pem();
        return how;
    }

    [[nodiscard]] issued issue_client(const issued& issuer, long until = day) const
    {
        certificate_plan what;
        what.common_name = "client";
        what.valid_until = until;
        what.valid_from = -10 * day;
        what.extensions = {{NID_ext_key_usage, "clientAuth"}};
        return issue(what, &issuer);
    }

    [[nodiscard]] client_config showing(const std::string& url, const issued& identity) const
    {
        auto config = trusting(url);
        config.tls.client_cert_file = folder.write("cert", identity.pem());
        config.tls.client_key_file = folder.write("key", identity.key_pem());
        return config;
    }

    /// Refused, and not repeated, even where requests that were sent may be.
    static void expect_final(client_config config, const tls_server& server,
                             std::initializer_list<const char*> told)
    {
        config.retry.replay_sent = true;
        const auto got = failure(config);
        EXPECT_EQ(got.code, errc::tls_refused) << describe(got);
        EXPECT_EQ(got.attempts, 1);
        EXPECT_EQ(server.connections(), 1);
        for (const auto* part : told)
            EXPECT_TRUE(contains(describe(got), part));
    }

    const issued mine = issue_client(root);
};

TEST_F(ClientCertificate, IsShownToAServerThatDemandsIt)
{
    const auto below = issue_client(inter);
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
    {
        const tls_server server(demand(version));
        const auto url = server.url("localhost");
        auto config = showing(url, mine);
        EXPECT_TRUE(ask(config)) << describe(ask(config).error());
        config.tls.client_key_file.clear();
        config.tls.client_cert_file = folder.write("in one", mine.key_pem() + mine.pem());
        EXPECT_TRUE(ask(config)) << describe(ask(config).error());
        // The server knows the root alone: the chain must be sent.
        config = showing(url, below);
        config.tls.client_cert_file = folder.write("chain", below.pem() + inter.pem());
        EXPECT_TRUE(ask(config)) << describe(ask(config).error());
    }
}

TEST_F(ClientCertificate, IsAskedForWhereItIsMissing)
{
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
    {
        const tls_server server(demand(version));
        expect_final(
            trusting(server.url("localhost")), server,
            {"demands a client certificate", "tls_options::client_cert_file", "client_key_file"});
    }
}

TEST_F(ClientCertificate, ThatIsNotAcceptedIsNamedAsTheCause)
{
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
    {
        for (const auto& bad : {issue_client(stranger), issue_client(root, -day)})
        {
            const tls_server server(demand(version));
            expect_final(showing(server.url("localhost"), bad), server,
                         {"does not accept the client certificate", "client_cert_file"});
        }
    }
}

TEST_F(ClientCertificate, IsCheckedWhenTheClientIsMade)
{
    const auto encrypted = [&] {
        const std::shared_ptr<BIO> bio(BIO_new(BIO_s_mem()), BIO_free_all);
        EXPECT_EQ(PEM_write_bio_PKCS8PrivateKey(bio.get(), mine.key(), EVP_aes_256_cbc(), "secret",
                                                6, nullptr, nullptr),
                  1);
        char* data = nullptr;
        const long size = BIO_get_mem_data(bio.get(), &data);
        return std::string(data, static_cast<std::size_t>(size));
    }();
    certificate_plan rsa;
    rsa.common_name = "of another kind";
    rsa.rsa_bits = 2048;
    const auto cert = folder.write("cert", mine.pem());
    const auto key = folder.write("key", mine.key_pem());
    const auto text = folder.write("text", "no PEM");
    const auto other = folder.write("other", issue_client(root).key_pem());
    const auto of_another_kind = folder.write("kind", issue(rsa).key_pem());
    const auto locked = folder.write("locked", encrypted);
    const auto gone = folder.path("gone");
    const struct
    {
        std::string cert;
        std::string key;
        std::initializer_list<const char*> told;
    } cases[] = {
        {gone, key, {"client_cert_file", "gone: No such file"}},
        {text, key, {"client_cert_file", "no PEM certificate"}},
        {cert, gone, {"client_key_file", "gone: No such file"}},
        {cert, text, {"client_key_file", "no PEM private key"}},
        {cert, "", {"client_cert_file", "set tls_options::client_key_file"}},
        {"", key, {"client_key_file", "client_cert_file, the certificate to that key"}},
        {cert, other, {"client_key_file", "is not the key of the first certificate"}},
        {cert, of_another_kind, {"client_key_file", "is not the key of the first certificate"}},
        {cert, locked, {"client_key_file", "encrypted", "openssl pkey"}},
    };
    for (const auto& [which_cert, which_key, told] : cases)
    {
        auto config = trusting("https://localhost");
        config.tls.client_cert_file = which_cert;
        config.tls.client_key_file = which_key;
        expect_unusable(config, told);
    }
}

// ---- where trust comes from

TEST_F(Tls, TrustsTheEnvironmentAndItsOwnOptionsTogether)
{
    const tls_server server(show(for_names(here)));
    auto config = trusting(server.url("localhost"));
    config.tls.ca_pem.clear();
    const auto file = folder.write("root.pem", root.pem());
    {
        const environment_variable set("SSL_CERT_FILE", file);
        EXPECT_TRUE(ask(config));
        config.tls.ca_pem = stranger.pem();
        EXPECT_TRUE(ask(config));
        config.tls.ca_pem.clear();
    }
    expect_refused(config, server, {"CN=test root", "ca_file or SSL_CERT_FILE; "});
    config.tls.ca_file = folder.write("two.pem", "text before\n" + stranger.pem() + root.pem());
    EXPECT_TRUE(ask(config));
}

TEST_F(Tls, LooksUpAuthoritiesInAHashedFolder)
{
    const tls_server server(show(for_names(here)));
    auto config = trusting(server.url("localhost"));
    config.tls.ca_pem.clear();
    std::array<char, 16> hash{};
    std::snprintf(hash.data(), hash.size(), "%08lx.0", X509_subject_name_hash(root.certificate()));
    expect_refused(config, server, {"CN=test root"});  // by settings that must not be kept
    const environment_variable set("SSL_CERT_DIR", folder.path(""));
    static_cast<void>(folder.write("root.pem", root.pem()));
    expect_refused(config, server, {"CN=test root"});
    static_cast<void>(folder.write(hash.data(), root.pem()));
    EXPECT_TRUE(ask(config));
}

TEST_F(Tls, SaysWhatIsWrongWithTheEnvironmentsFile)
{
    const tls_server server(show(for_names(here)));
    auto config = trusting(server.url("localhost"));
    {
        const environment_variable set("SSL_CERT_FILE", folder.path("gone"));
        EXPECT_TRUE(ask(config));  // no reason to fail
        config.tls.ca_pem.clear();
        expect_refused(config, server, {"; SSL_CERT_FILE is ", "gone", "No such file"});
    }
    const environment_variable set("SSL_CERT_FILE", folder.write("text", "no PEM"));
    expect_refused(config, server, {"; SSL_CERT_FILE is ", "no PEM certificate"});
}

TEST_F(Tls, RefusesFilesThatCannotBeUsed)
{
    const auto text = folder.write("text", "no PEM");
    auto pem = root.pem();
    pem.replace(pem.find('\n') + 1, 10, "AAAAAAAAAA");
    const struct
    {
        std::string tls_options::*option;
        std::string value;
        std::initializer_list<const char*> told;
    } cases[] = {
        {&tls_options::ca_file, folder.path("gone"), {"ca_file", "No such file"}},
        {&tls_options::ca_file, text, {"ca_file", "no PEM certificate"}},
        {&tls_options::ca_file, folder.write("broken", pem), {"ca_file", "broken"}},
        {&tls_options::ca_pem, "no PEM", {"ca_pem", "no PEM certificate"}},
        {&tls_options::ca_pem, pem, {"ca_pem", "broken"}},
        {&tls_options::crl_file, folder.path("gone"), {"crl_file", "No such file"}},
        {&tls_options::crl_file, text, {"crl_file", "no PEM revocation list"}},
        {&tls_options::crl_file, folder.write("cert", root.pem()), {"crl_file", "no PEM rev"}},
    };
    for (const auto& [option, value, told] : cases)
    {
        auto config = trusting("https://localhost");
        config.tls.*option = value;
        expect_unusable(config, told);
    }
}

// ---- sessions

TEST_F(Tls, ResumesSessionsOfTheSameHostAlone)
{
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
    {
        auto how = show(for_names(here));
        how.min_version = how.max_version = version;
        const tls_server server(how);
        auto config = trusting(server.url("localhost"));
        config.pool.max_idle = 0;
        const auto body = [&]() -> asio::awaitable<void> {
            const client one(co_await asio::this_coro::executor, config);
            call_options by_address;
            by_address.base_url = server.url("127.0.0.1");
            co_await one.models();
            co_await one.models(by_address);
            EXPECT_EQ(one.stats().tls_resumed, 0U);
            co_await one.models();
            co_await one.models(by_address);
            EXPECT_EQ(one.stats().tls_resumed, 2U);
        };
        run(body());
        EXPECT_EQ(server.resumed(), 2);
        EXPECT_EQ(server.connections(), 4);
    }
}

TEST_F(Tls, ResumesNoSessionOfAnotherPort)
{
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
    {
        auto how = show(for_names(here));
        how.min_version = how.max_version = version;
        how.ticket_keys = std::string(80, 'k');  // they would take each other's
        const tls_server server(how);
        const tls_server neighbour(how);
        auto config = trusting(server.url("localhost"));
        config.pool.max_idle = 0;
        const auto body = [&]() -> asio::awaitable<void> {
            const client one(co_await asio::this_coro::executor, config);
            call_options next_door;
            next_door.base_url = neighbour.url("localhost");
            co_await one.models();
            co_await one.models(next_door);
            co_await one.models();
        };
        run(body());
        EXPECT_EQ(neighbour.resumed(), 0);
        EXPECT_EQ(server.resumed(), 1);
    }
}

TEST_F(Tls, ResumesNoSessionOfAnotherClient)
{
    const tls_server server(show(issue(for_names(here), &stranger)));
    auto careless = trusting(server.url("localhost"));
    careless.tls.dangerously_skip_verification = true;
    const auto careful = trusting(server.url("localhost"));
    const auto body = [&]() -> asio::awaitable<void> {
        const client skips(co_await asio::this_coro::executor, careless);
        co_await skips.models();
        const client verifies(co_await asio::this_coro::executor, careful);
        const auto got = co_await try_await(verifies.models());
        EXPECT_EQ(got.error().code, errc::certificate_refused);
        const client skips_too(co_await asio::this_coro::executor, careless);
        co_await skips_too.models();
    };
    run(body());
    EXPECT_EQ(server.resumed(), 0);
}

TEST_F(Tls, ResumesNoSessionWhoseCertificateIsForAnotherHostOrPast)
{
    const test_server server;
    blocking_client from(server.port());
    blocking_client::tls_options tls;
    tls.ca_pem = server.ca_pem();
    ASSERT_TRUE(from.start_tls(tls)) << from.error();
    const auto session = from.session();
    const auto now = std::time(nullptr);
    EXPECT_TRUE(net::may_resume(session.get(), net::peer_identity("localhost"), now));
    EXPECT_TRUE(net::may_resume(session.get(), net::peer_identity("127.0.0.1"), now));
    EXPECT_FALSE(net::may_resume(session.get(), net::peer_identity("a.localhost"), now));
    EXPECT_FALSE(net::may_resume(session.get(), net::peer_identity("127.0.0.2"), now));
    EXPECT_FALSE(net::may_resume(session.get(), net::peer_identity(""), now));
    EXPECT_FALSE(net::may_resume(session.get(), net::peer_identity("localhost"), now + 31 * day));
}

TEST_F(Tls, TakesNoSessionForVerifiedThatIsNot)
{
    const test_server server;
    blocking_client from(server.port());
    blocking_client::tls_options tls;
    tls.ca_pem = server.ca_pem();
    ASSERT_TRUE(from.start_tls(tls)) << from.error();
    const std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    const std::shared_ptr<SSL> resumed(SSL_new(context.get()), SSL_free);
    const net::peer_identity whom("localhost");
    EXPECT_FALSE(net::is_verified(resumed.get(), whom)) << "there is no certificate";
    SSL_set_session(resumed.get(), from.session().get());
    EXPECT_TRUE(net::is_verified(resumed.get(), whom));
    EXPECT_FALSE(net::is_verified(resumed.get(), net::peer_identity("a.localhost")));
    SSL_set_verify_result(resumed.get(), X509_V_ERR_CERT_REVOKED);
    EXPECT_FALSE(net::is_verified(resumed.get(), whom));
}

TEST_F(Tls, RequiresAHostThatCanBeVerified)
{
    const std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    const std::shared_ptr<SSL> connection(SSL_new(context.get()), SSL_free);
    EXPECT_TRUE(net::peer_identity("localhost").require_of(connection.get()));
    EXPECT_TRUE(net::peer_identity("::1").require_of(connection.get()));
    EXPECT_FALSE(net::peer_identity("").require_of(connection.get()));
    EXPECT_FALSE(net::peer_identity("fe80::1%1").require_of(connection.get()));
    EXPECT_FALSE(net::peer_identity(std::string("a\0b", 3)).require_of(connection.get()));
}

}  // namespace
}  // namespace regolo::test
