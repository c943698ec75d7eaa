#include "integration/exchanges.hpp"
#include "memory/heap.hpp"
#include "support/test_proxy.hpp"

#include <regolo/testing/run.hpp>

#include <openssl/crypto.h>

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

// Every block that the client's thread frees, OpenSSL's and those of coroutine frames included, is searched for the key: from
// making the client to destroying its context. The servers run in threads of their own, which are not searched.

namespace regolo::test {

namespace {

// Longer than what a std::string holds in itself, and shorter. Neither is ever freed.
const std::string& long_key()
{
    static const auto& key =
        *new std::string("regolo-" + std::string("kq7Zt2Lw9Xv4Bn6Mp1Rs8Yd3Gh5J"));
    return key;
}
const std::string& short_key()
{
    static const auto& key = *new std::string("Xy9-" + std::string("Wq3Zv7Lt"));
    return key;
}

asio::awaitable<std::string> provide(const std::string& key) { co_return key; }

class FreedMemory : public ::testing::TestWithParam<bool>
{
protected:
    FreedMemory() : server(options()) {}

    static server_options options()
    {
        auto how = options_for(GetParam());
        how.simulation.key.clear();
        return how;
    }

    client_config configured() const
    {
        auto config = config_for(server);
        config.key = credential();
        return config;
    }

    /// All kinds of exchanges and the end of everything.
    static void exchange_all(client_config config, const call_options& options, int& done)
    {
        asio::io_context io(1);
        {
            const client one(io, std::move(config));
            for (const auto each : all_kinds)
            {
                asio::co_spawn(io, exchange_of(each, one, options),
                               [&done](const std::exception_ptr&, const std::string&) { ++done; });
            }
            EXPECT_TRUE(run_until(io, [&] { return done == int(std::size(all_kinds)); }));
            one.close();
            io.restart();
            io.run_for(std::chrono::seconds(2));
        }
    }

    /// What is freed of a client whose key is given by `set`.
    template <class Set>
    void expect_clean(Set set,
                      std::initializer_list<const std::string*> keys = {&long_key(), &short_key()})
    {
        for (const auto* key : keys)
        {
            int done = 0;
            {
                const heap::search memory(*key);
                auto config = configured();
                call_options options;
                set(config, options, *key);
                exchange_all(std::move(config), options, done);
            }
            EXPECT_EQ(done, int(std::size(all_kinds)));
            EXPECT_EQ(heap::search::found(), 0U) << "a key of " << key->size() << " characters";
            if (heap::search::found() > 0)
                heap::search::print();
        }
    }

    test_server server;
};

INSTANTIATE_TEST_SUITE_P(Servers, FreedMemory, ::testing::Bool(), [](const auto& param) {
    return std::string(param.param ? "Tls" : "Plain");
});

TEST_P(FreedMemory, IsSearched)
{
    // That the search finds what is there.
    const heap::search memory(long_key());
    {
        const std::string copy = long_key();
        EXPECT_EQ(copy.size(), long_key().size());
    }
    EXPECT_EQ(heap::search::found(), 1U);
    OPENSSL_free(OPENSSL_strdup(long_key().c_str()));
    EXPECT_EQ(heap::search::found(), 2U);
    auto* const bytes = static_cast<char*>(std::malloc(100));  // NOLINT: as Asio does
    long_key().copy(bytes + 10, 8, 5);
    std::free(bytes);  // NOLINT
    EXPECT_EQ(heap::search::found(), 3U);
}

TEST_P(FreedMemory, HasNothingOfTheClientsKey)
{
    expect_clean([](client_config& config, call_options&, const std::string& key) {
        config.key = std::string_view(key);
    });
    EXPECT_EQ(server.requests().back().header("authorization"), "Bearer " + short_key());
}

TEST_P(FreedMemory, HasNothingOfAKeyThatWasMovedIn)
{
    expect_clean([](client_config& config, call_options&, const std::string& key) {
        config.key = credential(std::string(key));
    });
}

TEST_P(FreedMemory, HasNothingOfTheKeyOfACall)
{
    expect_clean([](client_config&, call_options& options, const std::string& key) {
        options.key = std::string_view(key);
    });
}

TEST_P(FreedMemory, HasNothingOfAProvidersKey)
{
    // A short one stays in the frame of the provider's own coroutine, which is Asio's.
    const auto set = [](client_config& config, call_options&, const std::string& key) {
        config.key = credential([&key] { return provide(key); });
    };
    expect_clean(set, {&long_key()});
}

TEST_P(FreedMemory, HasNothingOfItAfterFailures)
{
    const script answers[] = {
        script().respond(401, "application/json", R"({"error":"no"})"),
        script().respond(503, "text/plain", "no", "retry-after-ms: 1\r\n"),
        script().fin(),
        script().rst(),
        script().send("nonsense\r\n\r\n").fin(),
    };
    for (const auto& answer : answers)
    {
        server.on_request([answer](const received_request&) { return answer; });
        expect_clean([](client_config& config, call_options&, const std::string& key) {
            config.key = std::string_view(key);
            config.retry.max_retries = 1;
            config.retry.initial_delay = std::chrono::milliseconds(1);
        });
    }
}

TEST_P(FreedMemory, HasNothingOfARefusedOne)
{
    static std::vector<std::unique_ptr<std::string>> kept;  // until the search is over
    for (const std::string_view bad : {"\n", " ", "\x7f"})
    {
        expect_clean([&](client_config& config, call_options& options, const std::string& key) {
            auto& text = *kept.emplace_back(std::make_unique<std::string>());
            text.reserve(2 * key.size());
            text.append(key).append(bad).append("k");
            options.key = std::string_view(text);
            auto other = config;
            other.key = options.key;
            asio::io_context io(1);
            EXPECT_THROW(client(io, std::move(other)), error);
        });
    }
}

}  // namespace

}  // namespace regolo::test
