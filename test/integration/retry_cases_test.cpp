// The recorded retry cases, and every form of Retry-After, through a real client and server; and what time limits make of
// retries. The clocks stand still but for the waits that a call plans.

#include "integration/exchanges.hpp"
#include "integration/seams.hpp"
#include "unit/case_file.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/json/serialize.hpp>

#include <atomic>
#include <functional>

namespace regolo::test {

namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;

/// How long the waits for further attempts were.
class stopwatch final : public observer
{
public:
    explicit stopwatch(const manual_time& time) : time_(time) {}

    std::vector<std::chrono::nanoseconds> waits;
    bool is_waiting = false;

    void retry_planned(const call_event&, const retry_event&) noexcept override
    {
        is_waiting = true;
        since_ = time_.now();
    }
    /// Told after each step of the client how many attempts it has begun.
    void count(std::uint64_t attempts)
    {
        if (std::exchange(attempts_, attempts) != attempts && std::exchange(is_waiting, false))
            waits.push_back(time_.now() - since_);
    }

private:
    const manual_time& time_;
    manual_time::time_point since_;
    std::uint64_t attempts_ = 0;
};

/// The port of a listener that is gone.
std::uint16_t closed_port()
{
    asio::io_context io;
    const asio::ip::tcp::acceptor gone(io, {asio::ip::address_v4::loopback(), 0});
    return gone.local_endpoint().port();
}

class RetryTime : public ::testing::Test
{
protected:
    /// 2023-09-29 16:26:37, which the recorded cases take for now.
    static constexpr auto wall = std::chrono::seconds(1696004797);

    RetryTime() { time_.advance(wall - time_.now().time_since_epoch()); }

    client_config config(const test_server& server)
    {
        auto made = config_for(server);
        made.retry = retry_policy();
        made.observer = watch_;
        return made;
    }

    /// Runs a chat to its end. Time passes only while it waits for another attempt, or while `is_stuck`.
    ending chat(
        const client_config& settings, const call_options& options = {},
        const std::function<bool()>& is_stuck = [] { return false; })
    {
        asio::io_context io{1};
        ending end;
        const auto one = without_jitter(io.get_executor(), settings, time_.make_clock());
        asio::co_spawn(io, exchange_of(kind::chat, one, options),
                       [&](std::exception_ptr failure, std::string text) {
                           end.note(std::move(failure), std::move(text));
                       });
        const auto limit = std::chrono::steady_clock::now() + 30s;
        while (!end.is_done && std::chrono::steady_clock::now() < limit)
        {
            io.restart();
            const bool rests = (watch_->is_waiting ? io.poll_one() : io.run_one_for(2ms)) == 0;
            watch_->count(one.stats().attempts);
            const bool passes = rests && (watch_->is_waiting || is_stuck());
            if (passes && time_.wake_at() != manual_time::time_point::max())
                time_.advance(
                    std::max<std::chrono::nanoseconds>(0ns, time_.wake_at() - time_.now()));
        }
        EXPECT_TRUE(end.is_done) << "the call does not end";
        one.close();
        run_until(io, [&] { return end.is_done; });
        return end;
    }

    manual_time time_;
    std::shared_ptr<stopwatch> watch_ = std::make_shared<stopwatch>(time_);
};

// ---- the recorded cases

class RetryCases : public RetryTime
{
protected:
    /// The answers of a case: failures without words until it is its turn, and a good one after it.
    static void script_answers(test_server& server, const boost::json::object& one)
    {
        std::string headers;
        if (const auto* all = one.if_contains("headers"))
        {
            for (const auto& [name, value] : all->as_object())
                headers.append(name).append(": ").append(value.as_string()).append("\r\n");
        }
        const auto number = std::make_shared<std::int64_t>(0);
        const auto* body = one.if_contains("body");
        server.on_request([&server, number, headers,
                           status = static_cast<int>(one.at("status").as_int64()),
                           words = body ? boost::json::serialize(*body) : "{}",
                           turn = one.at("attempt").as_int64()](const received_request& request) {
            const auto now = (*number)++;
            if (now > turn)
                return server.simulated(request);
            return now < turn ? script().respond(500, "application/json", "{}")
                              : script().respond(status, "application/json", words, headers);
        });
    }

    ending run_case(const boost::json::object& one, test_server& plain, test_server& secure)
    {
        const auto transport = text_of(one, "transport");
        auto settings = config(
            transport == "tls_verify" || text_of(one, "name").starts_with("TLS") ? secure : plain);
        if (const auto* most = one.if_contains("max_retries"))
            settings.retry.max_retries = static_cast<int>(most->as_int64());
        settings.retry.replay_sent = transport == "read_error";
        if (transport.empty())
            script_answers(plain, one);
        else if (transport == "tls_verify")
            settings.tls.ca_pem.clear();
        else if (transport == "read_error")
            plain.enqueue(script()
                              .expect_request()
                              .send(http_head(200, "content-length: 100\r\n") + "{\"id\":")
                              .rst());
        else if (text_of(one, "name") == "TLS handshake reset")
            secure.enqueue(script().open_with(opening::rst));
        else
            settings.base_url = "http://127.0.0.1:" + std::to_string(closed_port());
        return chat(settings);
    }

    void judge(const boost::json::object& one, const ending& end) const
    {
        const auto& expected = one.at("expect").as_object();
        const auto turn = static_cast<std::size_t>(one.at("attempt").as_int64());
        const bool retried = watch_->waits.size() > turn;
        ASSERT_EQ(retried, expected.at("retry").as_bool());
        if (!retried)
        {
            ASSERT_TRUE(end.error);
            EXPECT_EQ(end.error->attempts, static_cast<int>(turn) + 1);
            return;
        }
        const bool goes_on_failing = text_of(one, "name") == "connect refused";
        EXPECT_EQ(end.text.empty(), goes_on_failing);
        const std::chrono::duration<double, std::milli> waited = watch_->waits[turn];
        if (const auto* exact = expected.if_contains("delay_ms"))
        {
            EXPECT_NEAR(waited.count(), exact->to_number<double>(), 0.01);
            return;
        }
        EXPECT_GE(waited.count(), expected.at("delay_ms_min").to_number<double>());
        EXPECT_LE(waited.count(), expected.at("delay_ms_max").to_number<double>());
    }
};

TEST_F(RetryCases, HoldFromEndToEnd)
{
    const auto cases = load_cases("retry_cases.jsonl");
    ASSERT_EQ(cases.size(), 39U);
    for (const auto& one : cases)
    {
        SCOPED_TRACE(text_of(one, "name"));
        test_server plain(server_options::plain());
        test_server secure;
        watch_ = std::make_shared<stopwatch>(time_);
        // Each begins at the same time by the wall clock, which dates are compared with.
        time_ = manual_time();
        time_.advance(wall - time_.now().time_since_epoch());
        judge(one, run_case(one, plain, secure));
    }
}

// ---- every form of Retry-After

TEST_F(RetryTime, ObeysEveryFormOfRetryAfter)
{
    struct form
    {
        std::string headers;
        std::optional<microseconds> wait;  // unset: there is no further attempt
    };
    constexpr microseconds backoff = 500ms;
    const std::vector<form> forms = {
        {"", backoff},
        {"retry-after: 7\r\n", 7s},
        {"Retry-After:   7  \r\n", 7s},
        {"retry-after: 0.25\r\n", 250ms},
        {"retry-after: 1e1\r\n", 10s},
        {"retry-after: 120\r\n", 120s},
        {"retry-after: 120.001\r\n", {}},
        {"retry-after: 99999999999999999999\r\n", {}},
        {"retry-after: 0\r\n", backoff},
        {"retry-after: -7\r\n", backoff},
        {"retry-after: nan\r\n", backoff},
        {"retry-after: inf\r\n", backoff},
        {"retry-after:\r\n", backoff},
        {"retry-after: soon\r\n", backoff},
        {"retry-after: 7 s\r\n", backoff},
        {"retry-after: 0x7\r\n", backoff},
        // the three formats of dates, 20 s ahead; then one that has passed and one above the cap
        {"retry-after: Fri, 29 Sep 2023 16:26:57 GMT\r\n", 20s},
        {"retry-after: Friday, 29-Sep-23 16:26:57 GMT\r\n", 20s},
        {"retry-after: Fri Sep 29 16:26:57 2023\r\n", 20s},
        {"retry-after: Fri, 29 Sep 2023 16:26:37 GMT\r\n", backoff},
        {"retry-after: Fri, 29 Sep 2023 16:20:00 GMT\r\n", backoff},
        {"retry-after: Fri, 29 Sep 2023 16:28:37 GMT\r\n", 120s},
        {"retry-after: Fri, 29 Sep 2023 16:28:38 GMT\r\n", {}},
        {"retry-after: Fri, 31 Dec 9999 23:59:59 GMT\r\n", {}},
        {"retry-after: Fri, 32 Sep 2023 16:26:57 GMT\r\n", backoff},
        // milliseconds win; where they make no sense the seconds count
        {"retry-after-ms: 1500\r\n", 1500ms},
        {"retry-after-ms: 12.5\r\n", 12500us},
        {"retry-after-ms: 1500\r\nretry-after: 9\r\n", 1500ms},
        {"retry-after-ms: 120001\r\n", {}},
        {"retry-after-ms: 0\r\nretry-after: 9\r\n", 9s},
        {"retry-after-ms: -1\r\nretry-after: 9\r\n", 9s},
        {"retry-after-ms:\r\nretry-after: 9\r\n", 9s},
        // what a gateway has heard from the server behind it, where it says nothing itself
        {"llm_provider-retry-after: 3\r\n", 3s},
        {"retry-after: 9\r\nllm_provider-retry-after: 3\r\n", 9s},
        {"retry-after: -1\r\nllm_provider-retry-after: 3\r\n", 3s},
        // the first of two
        {"retry-after: 9\r\nretry-after: 3\r\n", 9s},
        {"retry-after: 3\r\nretry-after: 9\r\n", 3s},
    };
    for (const auto& [headers, wait] : forms)
    {
        for (const int status : {429, 503, 500})
        {
            SCOPED_TRACE(std::to_string(status) + ' ' + headers);
            test_server server(server_options::plain());
            server.enqueue(
                script().expect_request().respond(status, "application/json", "{}", headers));
            watch_ = std::make_shared<stopwatch>(time_);
            time_ = manual_time();
            time_.advance(wall - time_.now().time_since_epoch());
            const auto end = chat(config(server));
            EXPECT_EQ(end.error.has_value(), !wait);
            EXPECT_EQ(server.counts().requests, wait ? 2U : 1U);
            ASSERT_EQ(watch_->waits.size(), wait ? 1U : 0U);
            if (wait)
            {
                EXPECT_EQ(watch_->waits[0], *wait);
            }
        }
    }
}

// ---- limits over all attempts

/// With waits of 0.5, 1, 2 and 4 s, and a limit after 5 s, the fifth attempt would start too late.
TEST_F(RetryTime, NeitherTotalNorDeadlineIsSleptThrough)
{
    for (const bool by_deadline : {false, true})
    {
        test_server server(server_options::plain());
        server.on_request(
            [](const received_request&) { return script().respond(500, "text/plain", "no"); });
        watch_ = std::make_shared<stopwatch>(time_);
        auto settings = config(server);
        settings.retry.max_retries = 100;
        const auto began = time_.now();
        call_options options;
        if (by_deadline)
            options.deadline = began + 5s;
        else
            options.time.total = 5s;
        const auto end = chat(settings, options);
        ASSERT_TRUE(end.error);
        EXPECT_EQ(end.error->code, errc::server_error);
        EXPECT_EQ(end.error->attempts, 4);
        EXPECT_EQ(server.counts().requests, 4U);
        EXPECT_NE(end.error->message.find("no time is left for another attempt"),
                  std::string::npos);
        EXPECT_EQ(time_.now() - began, 3500ms) << "it waited for an attempt that cannot be";
    }
}

TEST_F(RetryTime, TheLimitEndsALaterAttempt)
{
    for (const bool by_deadline : {false, true})
    {
        test_server server(server_options::plain());
        const gate stalled;
        server.enqueue(script().expect_request().respond(500, "text/plain", "no"));
        server.enqueue(script().expect_request().open(stalled).stall());
        watch_ = std::make_shared<stopwatch>(time_);
        const auto began = time_.now();
        call_options options;
        if (by_deadline)
            options.deadline = began + 5s;
        else
            options.time.total = 5s;
        const auto end = chat(config(server), options, [&] { return stalled.is_open(); });
        ASSERT_TRUE(end.error);
        EXPECT_EQ(end.error->code, by_deadline ? errc::deadline_exceeded : errc::total_timeout);
        EXPECT_EQ(end.error->attempts, 2);
        EXPECT_EQ(time_.now() - began, 5s);
    }
}

TEST_F(RetryTime, AServerThatWorkedLongIsNotAskedAgain)
{
    for (const int status : {408, 504, 503})
    {
        for (const auto took : {30s, 31s})
        {
            test_server server(server_options::plain());
            gate go_on;
            const gate reached;
            server.enqueue(script().expect_request().open(reached).pause(go_on).respond(
                status, "text/plain", "too late"));
            watch_ = std::make_shared<stopwatch>(time_);
            const auto end = chat(config(server), {}, [&] {
                if (reached.is_open() && !go_on.is_open())
                {
                    time_.advance(took);
                    go_on.open();
                }
                return false;
            });
            const bool again = status == 503 || took == 30s;
            EXPECT_EQ(server.counts().requests, again ? 2U : 1U) << status;
            EXPECT_EQ(end.error.has_value(), !again) << status;
        }
    }
}

}  // namespace

}  // namespace regolo::test
