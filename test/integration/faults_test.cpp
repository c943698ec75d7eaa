// Every exchange, with the server's answer cut after byte N, and servers that fail before they answer.

#include "integration/exchanges.hpp"

#include <regolo/testing/run.hpp>

#include <algorithm>
#include <atomic>

namespace regolo::test {

using namespace regolo::testing;

namespace {

using namespace std::chrono_literals;

enum class cut
{
    fin,      // an orderly end
    rst,      // RST
    cut_tls,  // FIN without close_notify
};

script ending_with(script answer, cut how)
{
    switch (how)
    {
        case cut::fin:
            return answer.fin();
        case cut::rst:
            return answer.rst();
        case cut::cut_tls:
            break;
    }
    return answer.cut_tls();
}

class CutAtEveryByte : public ::testing::TestWithParam<std::tuple<cut, bool>>
{
protected:
    cut how() const { return std::get<0>(GetParam()); }

    /// Answers the next request with `bytes` of the true answer and ends the connection; later ones are answered.
    void cut_next_after(std::size_t bytes)
    {
        limit_ = bytes;
        is_armed_ = true;
    }

    void judge(const result<std::string>& outcome, const std::string& right_answer,
               std::size_t bytes, bool reused) const
    {
        if (outcome)
        {
            EXPECT_EQ(*outcome, right_answer);
            return;
        }
        const auto& info = outcome.error();
        EXPECT_TRUE(info.code == errc::connection_lost || info.code == errc::truncated)
            << info.code.message() << ": " << info.message;
        EXPECT_TRUE(info.where == phase::head || info.where == phase::body);
        EXPECT_TRUE(info.sent);
        EXPECT_EQ(info.attempts, 1);
        EXPECT_FALSE(reused && bytes == 0 && how() != cut::rst) << "a stale connection is replayed";
        EXPECT_NE(info.message.find("clos"), std::string::npos) << info.message;
    }

    void cut_everywhere(kind what, bool reused)
    {
        auto config = config_for(server_);
        if (!reused)
            config.pool.max_idle = 0;
        const client from(io_, config);
        const auto right_answer = run_on(io_, exchange_of(what, from));
        const std::size_t whole = answer_size_;  // later it may be that of another exchange
        // Headers with times and ids differ a little from answer to answer.
        const std::size_t size = whole + 8;
        const std::size_t stride = std::max<std::size_t>(1, 29 / scale());
        for (std::size_t n = 0; n < size; n += n < 2 || n + 24 > size ? 1 : stride)
        {
            SCOPED_TRACE(std::string(name_of(what)) + (reused ? ", reused" : ", fresh") +
                         ", cut after byte " + std::to_string(n) + " of " + std::to_string(whole));
            if (reused && from.stats().idle == 0)
                static_cast<void>(run_on(io_, from.models()));
            cut_next_after(n);
            const auto outcome = run_on(io_, try_await(exchange_of(what, from)));
            is_armed_ = false;
            judge(outcome, right_answer, n, reused);
            EXPECT_TRUE(run_until(io_, [&] { return is_quiet(from); }));
            if (n + 8 < whole && n > 0)
            {
                EXPECT_EQ(from.stats().idle, 0U) << "a broken connection was kept";
            }
            EXPECT_TRUE(
                server_.wait_until([&] { return server_.counts().open <= from.stats().idle; }));
            if (HasFailure())
                return;
        }
        EXPECT_EQ(run_on(io_, exchange_of(what, from)), right_answer);
        from.close();
    }

    test_server server_{options_for(std::get<1>(GetParam()))};
    asio::io_context io_{1};
    std::atomic<std::size_t> limit_{0};
    std::atomic<std::size_t> answer_size_{0};
    std::atomic<bool> is_armed_{false};
};

TEST_P(CutAtEveryByte, IsTheRightAnswerOrADocumentedError)
{
    static_cast<void>(
        client(io_, config_for(server_)));  // brings the files of the io_context itself
    const auto files = open_files();
    server_.on_request([this](const received_request& request) {
        auto bytes = bytes_of(server_.simulated(request));
        if (!is_armed_.exchange(false))
        {
            answer_size_ = bytes.size();
            return script().send(std::move(bytes));
        }
        bytes.resize(std::min<std::size_t>(bytes.size(), limit_));
        return ending_with(bytes.empty() ? script() : script().send(std::move(bytes)), how());
    });
    for (const auto what : all_kinds)
    {
        for (const bool reused : {false, true})
        {
            cut_everywhere(what, reused);
            if (HasFailure())
                return;
        }
    }
    io_.restart();
    io_.run_for(5s);
    EXPECT_TRUE(io_.stopped()) << "run() does not return";
    EXPECT_TRUE(server_.wait_until([&] { return server_.counts().open == 0; }));
    EXPECT_EQ(open_files(), files);
}

std::string cut_name(const ::testing::TestParamInfo<std::tuple<cut, bool>>& chosen)
{
    const auto [how, tls] = chosen.param;
    return std::string(how == cut::fin   ? "Fin"
                       : how == cut::rst ? "Rst"
                                         : "CutTls") +
           (tls ? "Tls" : "Plain");
}

INSTANTIATE_TEST_SUITE_P(Cuts, CutAtEveryByte,
                         ::testing::Combine(::testing::Values(cut::fin, cut::rst, cut::cut_tls),
                                            ::testing::Bool()),
                         cut_name);

// ---- before an answer

struct early_fault
{
    const char* name;
    script (*make)();
};

const early_fault early_faults[] = {
    {"FinAtOnce", [] { return script().open_with(opening::fin); }},
    {"RstAtOnce", [] { return script().open_with(opening::rst); }},
    {"FinBeforeTheRequest", [] { return script().fin(); }},
    {"RstBeforeTheRequest", [] { return script().rst(); }},
    {"FinAfterTheRequest", [] { return script().expect_request().fin(); }},
    {"RstAfterTheRequest", [] { return script().expect_request().rst(); }},
};

const early_fault tls_faults[] = {
    {"RefusedHandshake", [] { return script().open_with(opening::refuse_handshake); }},
    {"GarbageForTls", [] { return script().send_raw("no TLS here").fin(); }},
};

class EarlyFault : public ::testing::TestWithParam<std::tuple<early_fault, bool>>
{};

TEST_P(EarlyFault, IsADocumentedErrorAndTheClientGoesOn)
{
    const auto& [fault, tls] = GetParam();
    test_server server(options_for(tls));
    asio::io_context io{1};
    static_cast<void>(client(io, config_for(server)));  // brings the files of the io_context itself
    const auto files = open_files();
    {
        const client from(io, config_for(server));
        for (const auto what : all_kinds)
        {
            SCOPED_TRACE(name_of(what));
            server.enqueue(fault.make());
            const auto outcome = run_on(io, try_await(exchange_of(what, from)));
            ASSERT_FALSE(outcome);
            EXPECT_FALSE(outcome.error().message.empty());
            EXPECT_NE(outcome.error().code, asio::error::operation_aborted);
            EXPECT_NE(outcome.error().where, phase::prepare);
            EXPECT_TRUE(run_until(io, [&] { return is_quiet(from); }));
            EXPECT_EQ(from.stats().idle, 0U);
            // The next connection is as good as any, and closed so that the next fault meets a new one.
            EXPECT_FALSE(run_on(io, exchange_of(what, from)).empty());
            EXPECT_TRUE(run_until(io, [&] { return is_quiet(from); }));
            server.close_connections();
            EXPECT_TRUE(run_until(io, [&] { return from.stats().idle == 0; }));
        }
    }
    io.restart();
    io.run_for(5s);
    EXPECT_TRUE(io.stopped());
    EXPECT_TRUE(server.wait_until([&] { return server.counts().open == 0; }));
    EXPECT_EQ(open_files(), files);
}

std::string early_fault_name(const ::testing::TestParamInfo<std::tuple<early_fault, bool>>& chosen)
{
    return std::string(std::get<0>(chosen.param).name) +
           (std::get<1>(chosen.param) ? "Tls" : "Plain");
}

INSTANTIATE_TEST_SUITE_P(Faults, EarlyFault,
                         ::testing::Combine(::testing::ValuesIn(early_faults), ::testing::Bool()),
                         early_fault_name);
INSTANTIATE_TEST_SUITE_P(TlsFaults, EarlyFault,
                         ::testing::Combine(::testing::ValuesIn(tls_faults),
                                            ::testing::Values(true)),
                         early_fault_name);

}  // namespace

}  // namespace regolo::test
