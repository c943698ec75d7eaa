// Who pays for what: a server that counts the requests it has received whole, and faults at every place of an exchange.
// What must come of each is worked out from the documentation of retry_policy, not from the code behind it.

#include "integration/exchanges.hpp"
#include "support/test_proxy.hpp"

#include <regolo/testing/manual_clock.hpp>
#include <regolo/testing/run.hpp>

#include <atomic>
#include <functional>
#include <iostream>
#include <map>
#include <mutex>
#include <tuple>

namespace regolo::test {

namespace {

using namespace std::chrono_literals;

/// Where a fault strikes. Down from `whole_request` the server has the request, and bills it.
enum class place
{
    at_accept,
    in_handshake,
    before_bytes,  // the connection stands, and nothing of the request has been read
    part_of_request,
    whole_request,
    status_line,
    head,
    first_event,
    middle,
    before_end,
};

enum class fault
{
    fin,
    rst,
    cut_tls,  // FIN without close_notify
    stall,    // until a time limit fires
};

constexpr const char* place_names[] = {
    "at accept",          "in the handshake",      "before its first byte",
    "in the request",     "after the request",     "after the status line",
    "after the head",     "after the first event", "in the middle of the body",
    "before the very end"};
constexpr const char* fault_names[] = {"FIN", "RST", "cut TLS", "stall"};

bool is_stream(kind what)
{
    return what == kind::stream_chat || what == kind::stream_completion ||
           what == kind::stream_request;
}

struct trial
{
    kind what;
    bool reused;  // the connection has carried an exchange before
    place where;
    fault how;
};

std::string name_of(const trial& one)
{
    return std::string(test::name_of(one.what)) + (one.reused ? ", reused" : ", fresh") + ", " +
           fault_names[static_cast<std::size_t>(one.how)] + ' ' +
           place_names[static_cast<std::size_t>(one.where)];
}

/// How the client reaches the server and what it is allowed.
struct setting
{
    bool tls;
    bool proxied;
    int max_retries;
    bool replay_sent;
    bool replay_stale;
};

using parameters = std::tuple<bool, bool, int, bool, bool>;

std::string setting_name(const ::testing::TestParamInfo<parameters>& chosen)
{
    const auto [tls, proxied, retries, sent, stale] = chosen.param;
    return std::string(tls ? "Tls" : "Plain") + (proxied ? "Proxied" : "Direct") + "Retries" +
           std::to_string(retries) + (sent ? "Sent" : "") + (stale ? "Stale" : "");
}

/// What must come of a call.
struct verdict
{
    int billed = 0;
    bool succeeds = false;
    int attempts = 1;
};

verdict judge(const setting& with, const trial& one)
{
    const bool is_billed = one.where >= place::whole_request;
    // "what TLS refuses"
    if (one.where == place::in_handshake)
        return {0, false, 1};
    // "connections that failed before the request was sent"
    const bool never_sent = with.tls && one.where == place::at_accept;
    // "anything after a stream's first chunk"
    const bool delivered = is_stream(one.what) && one.where >= place::first_event;
    // "a time limit that fired while the server was working"
    const bool ran_out = one.how == fault::stall;
    // "Beside the retries, and not counted as one": what was never worked on, and with replay_stale what seems so
    const bool no_answer = one.where <= place::whole_request;
    const bool proven = one.where == place::before_bytes;
    if (one.reused && no_answer && !ran_out && (proven || with.replay_stale))
        return {is_billed + 1, true, 1};
    const bool again = never_sent || (with.replay_sent && !delivered && !ran_out);
    if (again && with.max_retries > 0)
        return {is_billed + 1, true, 2};
    return {is_billed, false, 1};
}

/// Sees pauses, and takes a hand in connections that are used again.
class watcher final : public observer
{
public:
    std::function<void()> on_reuse;
    std::chrono::milliseconds pause{0};  // that was planned and not passed yet
    int retries = 0;
    int sent = 0;
    int acquired = 0;
    bool first_reused = false;

    void connection_acquired(const call_event&, const connection_event& taken) noexcept override
    {
        if (acquired++ == 0)
            first_reused = taken.reused;
        if (taken.reused && on_reuse)
            std::exchange(on_reuse, nullptr)();
    }
    void request_sent(const call_event&, const request_event&) noexcept override { ++sent; }
    void retry_planned(const call_event&, const retry_event& retry) noexcept override
    {
        if (retry.stale_connection)
            return;
        pause = retry.delay + 1ms;  // it was cut to whole ones
        ++retries;
    }
    void start_anew()
    {
        on_reuse = nullptr;
        pause = 0ms;
        retries = sent = acquired = 0;
        first_reused = false;
    }
};

/// What the server is to do to the next request with a number.
struct orders
{
    orders() = default;

    place where = place::whole_request;
    script end;
    bool strikes = false;              // in its answer
    std::optional<script> after_next;  // follows the answer to a request without a number
    std::optional<script> refusal;     // the answer instead of the true one
    bool refuses_always = false;
};

std::size_t cut_of(const std::string& answer, place where)
{
    const auto body = answer.find("\r\n\r\n") + 4;
    switch (where)
    {
        case place::status_line:
            return answer.find("\r\n") + 2;
        case place::head:
            return body;
        case place::first_event:
            return answer.find("\n\n", body) + 4;
        case place::middle:
            return body + (answer.size() - body) / 2;
        case place::before_end:
            return std::min(answer.find("data: [DONE]", body), answer.size() - 1);
        default:
            return 0;
    }
}

class Billing : public ::testing::TestWithParam<parameters>
{
protected:
    Billing()
    {
        server_.on_request([this](const received_request& request) { return answer(request); });
        auto config = config_for(server_);
        config.retry.max_retries = with_.max_retries;
        config.retry.replay_sent = with_.replay_sent;
        config.retry.replay_stale = with_.replay_stale;
        config.observer = watch_;
        if (with_.proxied)
            config.proxy = proxy_options(proxy_.url());
        client_.emplace(make_client(io_.get_executor(), std::move(config), clock_));
    }
    ~Billing() override
    {
        client_->close();
        client_.reset();
        io_.restart();
        io_.poll();
    }

    // ---- the server, on its thread

    script answer(received_request request)
    {
        // A proxy that passes bytes on leaves the absolute form of later requests as it is.
        if (const auto at = request.target.find("/v1/"); at != request.target.npos)
            request.target.erase(0, at);
        auto whole = server_.simulated(request);
        const std::lock_guard lock(mutex_);
        if (!request.has_header("x-number"))
            return orders_.after_next ? whole.then(*orders_.after_next) : whole;
        if (orders_.refusal)
        {
            auto refused = *orders_.refusal;
            if (!orders_.refuses_always)
                orders_.refusal.reset();
            return refused;
        }
        if (!std::exchange(orders_.strikes, false))
            return whole;
        const auto bytes = bytes_of(whole);
        return script().send(bytes.substr(0, cut_of(bytes, orders_.where))).then(orders_.end);
    }

    [[nodiscard]] script strike(fault how) const
    {
        switch (how)
        {
            case fault::fin:
                return script().fin();
            case fault::rst:
                return script().rst();
            case fault::cut_tls:
                return script().cut_tls();
            case fault::stall:
                break;
        }
        return script().open(stalled_).stall();
    }

    void order(const orders& next)
    {
        const std::lock_guard lock(mutex_);
        orders_ = next;
    }

    void arm(const trial& one)
    {
        stalled_ = gate();
        orders next;
        next.where = one.where;
        next.end = strike(one.how);
        switch (one.where)
        {
            case place::at_accept:
                server_.enqueue(script().open_with(one.how == fault::fin ? opening::fin
                                                   : one.how == fault::rst
                                                       ? opening::rst
                                                       : opening::never_handshake));
                break;
            case place::in_handshake:
                server_.enqueue(script().open_with(opening::refuse_handshake));
                break;
            case place::before_bytes:
                if (!one.reused)
                    server_.enqueue(next.end);
                break;
            case place::part_of_request:
                if (one.reused)
                    next.after_next = script().expect_part().then(next.end);
                else
                    server_.enqueue(script().expect_part().then(next.end));
                break;
            default:
                next.strikes = true;
        }
        order(next);
    }

    // After the pool's last look at the connection, before the request is written.
    void strike_on_reuse(fault how)
    {
        watch_->on_reuse = [this, how] {
            const auto before = server_.counts();
            if (how == fault::rst)
                server_.reset_connections();
            else
                server_.close_connections();
            EXPECT_TRUE(server_.wait_until([&] {
                return server_.counts().fins_sent > before.fins_sent ||
                       server_.counts().open < before.open;
            }));
        };
    }

    // ---- the client, on this thread

    template <class Condition>
    void wait_for(Condition holds)
    {
        ASSERT_TRUE(run_until(io_, holds));
    }

    /// The next call is made on a connection of that kind.
    void prepare_connection(bool reused)
    {
        wait_for([&] { return is_quiet(*client_); });
        clock_.advance(61s);  // nothing may be idle for so long
        wait_for([&] { return client_->stats().idle == 0; });
        if (!reused)
            return;
        EXPECT_FALSE(run_on(io_, exchange_of(kind::models, *client_)).empty());
        wait_for([&] { return is_quiet(*client_) && client_->stats().idle == 1; });
    }

    /// Passes the time that the call waits for, and none else.
    ending call(kind what, const call_options& options, const std::function<bool()>& is_stuck)
    {
        ending end;
        asio::co_spawn(io_, exchange_of(what, *client_, options),
                       [&](std::exception_ptr failure, std::string text) {
                           end.note(std::move(failure), std::move(text));
                       });
        const auto limit = std::chrono::steady_clock::now() + 20s;
        while (!end.is_done && std::chrono::steady_clock::now() < limit)
        {
            io_.restart();
            const bool rests = io_.run_one_for(2ms) == 0;
            if (watch_->pause > 0ms)
                clock_.advance(std::exchange(watch_->pause, 0ms));
            else if (rests && watch_->retries == 0 && is_stuck())
                clock_.advance(700s);
        }
        if (!end.is_done)
        {
            ADD_FAILURE() << "the call does not end";
            client_->close();
            run_until(io_, [&] { return end.is_done; });
        }
        return end;
    }

    call_options numbered(int number, bool large) const
    {
        call_options options;
        options.headers.emplace_back("x-number", std::to_string(number));
        if (large)
            options.headers.emplace_back("x-padding", std::string(std::size_t{48} * 1024, 'p'));
        return options;
    }

    /// A call that has ended, until the server's books are looked at.
    struct entry
    {
        std::string name;
        verdict expected;
        bool is_exact = true;
        ending end{};
    };

    void make(const trial& one)
    {
        SCOPED_TRACE(name_of(one));
        order({});
        if (one.where == place::part_of_request && one.reused)
            arm(one);
        prepare_connection(one.reused);
        if (one.where != place::part_of_request || !one.reused)
            arm(one);
        watch_->start_anew();
        if (one.where == place::before_bytes && one.reused)
            strike_on_reuse(one.how);
        const auto accepted = server_.counts().accepted;
        const auto is_stuck = [&] {
            if (one.how != fault::stall)
                return false;
            if (one.where == place::at_accept)
                return server_.counts().accepted > accepted && (with_.tls || watch_->sent > 0);
            return stalled_.is_open();
        };
        entry made{name_of(one), judge(with_, one)};
        // Chance decides what the proxy had taken when the server left, how much of a request was written, and whether a
        // reset comes before the request (not sent) or after it (lost).
        const bool may_be_cut = one.reused && !with_.replay_stale &&
                                (one.where == place::part_of_request ||
                                 (one.where == place::before_bytes && with_.proxied));
        const bool may_be_early =
            !one.reused && !with_.tls && one.how == fault::rst && one.where <= place::before_bytes;
        made.is_exact = !may_be_cut && !may_be_early;
        const bool is_large = one.where == place::part_of_request;
        made.end = call(one.what, numbered(static_cast<int>(book_.size()), is_large), is_stuck);
        EXPECT_EQ(watch_->first_reused, one.reused && watch_->acquired > 0);
        book_.push_back(std::move(made));
    }

    void refuse(kind what, bool reused, int status, const std::string& header, bool always,
                const verdict& expected)
    {
        entry made{std::string(name_of(what)) + (reused ? ", reused, " : ", fresh, ") +
                       std::to_string(status) + ' ' + header + (always ? "always" : "once"),
                   expected};
        SCOPED_TRACE(made.name);
        order({});
        prepare_connection(reused);
        orders next;
        next.refusal = script().respond(status, "application/json",
                                        R"({"error":{"message":"not now","type":"t"}})", header);
        next.refuses_always = always;
        order(next);
        watch_->start_anew();
        made.end =
            call(what, numbered(static_cast<int>(book_.size()), false), [] { return false; });
        book_.push_back(std::move(made));
    }

    /// Compares what the calls said with what the server has in its books.
    void audit()
    {
        client_->close();
        run_until(io_, [&] { return is_quiet(*client_); });
        EXPECT_TRUE(server_.wait_until([&] { return server_.counts().open == 0; }));
        std::map<std::string, int, std::less<>> received;
        for (const auto& request : server_.requests())
            ++received[std::string(request.header("x-number"))];
        received.erase("");
        int twice = 0;
        for (std::size_t i = 0; i < book_.size(); ++i)
        {
            const auto found = received.find(std::to_string(i));
            const int billed = found == received.end() ? 0 : found->second;
            twice += billed > 1;
            check(book_[i], billed);
        }
        std::cout << "billing: " << book_.size() << " calls, " << twice
                  << " billed more than once, as the policy says\n";
        RecordProperty("calls", static_cast<int>(book_.size()));
    }

    void check(const entry& made, int billed) const
    {
        SCOPED_TRACE(made.name);
        const bool succeeded = !made.end.error && !made.end.other;
        EXPECT_FALSE(made.end.other || made.end.by_asio);
        if (made.is_exact)
        {
            EXPECT_EQ(billed, made.expected.billed);
            EXPECT_EQ(succeeded, made.expected.succeeds)
                << (succeeded ? "" : text_of(*made.end.error));
        }
        else
        {
            // The first attempt never came to be billed.
            EXPECT_EQ(billed, succeeded);
        }
        if (succeeded)
        {
            EXPECT_FALSE(made.end.text.empty());
            EXPECT_GE(billed, 1);
            return;
        }
        EXPECT_TRUE(made.end.error->sent || billed == 0) << "billed, and said not to be sent";
        if (made.is_exact)
        {
            EXPECT_EQ(made.end.error->attempts, made.expected.attempts);
        }
    }

    static std::string text_of(const error_info& info)
    {
        return info.code.message() + ": " + info.message;
    }

    asio::io_context io_{1};
    const setting with_{std::get<0>(GetParam()), std::get<1>(GetParam()), std::get<2>(GetParam()),
                        std::get<3>(GetParam()), std::get<4>(GetParam())};
    test_proxy proxy_;
    manual_clock clock_;
    std::shared_ptr<watcher> watch_ = std::make_shared<watcher>();
    std::optional<client> client_;
    std::vector<entry> book_;
    gate stalled_;
    std::mutex mutex_;
    orders orders_;
    test_server server_{options_for(with_.tls)};  // last: its thread uses the others
};

bool makes_sense(const setting& with, const trial& one)
{
    switch (one.where)
    {
        case place::at_accept:
            return !one.reused && one.how != fault::cut_tls;
        case place::in_handshake:
            return with.tls && !one.reused && one.how == fault::fin;
        case place::before_bytes:
            // the first request of a TLS connection comes with the end of the handshake
            return one.how != fault::stall && one.how != fault::cut_tls &&
                   (one.reused || !with.tls);
        case place::part_of_request:
            // what the server does not read it may still have: see limits_test
            return one.how != fault::stall && (with.tls || one.how != fault::cut_tls);
        case place::first_event:
            return is_stream(one.what) && (with.tls || one.how != fault::cut_tls);
        default:
            return with.tls || one.how != fault::cut_tls;
    }
}

TEST_P(Billing, OfExchangesThatBreak)
{
    for (const auto what : all_kinds)
    {
        for (const bool reused : {false, true})
        {
            for (int where = 0; where <= static_cast<int>(place::before_end); ++where)
            {
                for (const auto how : {fault::fin, fault::rst, fault::cut_tls, fault::stall})
                {
                    const trial one{what, reused, static_cast<place>(where), how};
                    if (makes_sense(with_, one))
                        make(one);
                    if (HasFatalFailure())
                        return;
                }
            }
        }
    }
    audit();
}

TEST_P(Billing, OfRequestsThatAreRefused)
{
    struct word
    {
        const char* header;
        std::optional<bool> retried;  // whatever the status
    };
    const word words[] = {{"", {}},
                          {"retry-after: 1\r\n", {}},
                          {"retry-after-ms: 1500\r\n", {}},
                          {"retry-after: 500\r\n", false},  // above retry_after_cap
                          {"x-should-retry: true\r\n", true},
                          {"x-should-retry: false\r\n", false}};
    for (const int status : {400, 404, 408, 409, 425, 429, 500, 502, 503, 504, 529})
    {
        // "the statuses 408, 409, 429 and 500 and above"
        const bool listed = status == 408 || status == 409 || status == 429 || status >= 500;
        for (const auto& [header, told] : words)
        {
            const int retries = told.value_or(listed) ? with_.max_retries : 0;
            const auto what = all_kinds[book_.size() % std::size(all_kinds)];
            const bool reused = book_.size() % 3 == 0;
            const bool mended = retries > 0;
            refuse(what, reused, status, header, false, {1 + mended, mended, 1 + mended});
            refuse(what, reused, status, header, true, {1 + retries, false, 1 + retries});
            if (HasFatalFailure())
                return;
        }
    }
    audit();
}

INSTANTIATE_TEST_SUITE_P(WithoutRetries, Billing,
                         ::testing::Combine(::testing::Bool(), ::testing::Bool(),
                                            ::testing::Values(0), ::testing::Values(false),
                                            ::testing::Bool()),
                         setting_name);
INSTANTIATE_TEST_SUITE_P(WithRetries, Billing,
                         ::testing::Combine(::testing::Bool(), ::testing::Bool(),
                                            ::testing::Values(2), ::testing::Bool(),
                                            ::testing::Bool()),
                         setting_name);

}  // namespace

}  // namespace regolo::test
