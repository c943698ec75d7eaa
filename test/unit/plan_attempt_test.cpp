#include "core/plan_attempt.hpp"

#include "case_file.hpp"
#include "core/api_error.hpp"

#include <boost/json/serialize.hpp>
#include <boost/system/errc.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace regolo::test {
namespace {

using namespace std::chrono_literals;
using core::attempt;
using core::attempt_plan;
using core::call_view;
using core::give_up;
using core::plan_attempt;
using core::wait;
using std::chrono::microseconds;

error_info failed(errc code, int status = 0)
{
    error_info info;
    info.code = code;
    info.http_status = status;
    info.where = status == 0 ? phase::head : phase::body;
    info.sent = true;
    info.message = "it failed";
    return info;
}

error_info too_many() { return failed(errc::rate_limited, 429); }

/// The connection broke, before or after the request was sent.
error_info broken(phase where, bool sent, boost::system::error_code code)
{
    error_info info;
    info.code = code;
    info.where = where;
    info.sent = sent;
    return info;
}

const boost::system::error_code reset =
    boost::system::errc::make_error_code(boost::system::errc::connection_reset);
const boost::system::error_code refused =
    boost::system::errc::make_error_code(boost::system::errc::connection_refused);

const retry_policy defaults;

bool is_retried(const error_info& last, const call_view& call = {defaults}, int number = 1)
{
    return std::holds_alternative<wait>(plan_attempt(call, number, &last));
}

wait waited(const error_info& last, const call_view& call = {defaults}, int number = 1)
{
    const attempt_plan plan = plan_attempt(call, number, &last);
    EXPECT_TRUE(std::holds_alternative<wait>(plan));
    return std::holds_alternative<wait>(plan) ? std::get<wait>(plan) : wait{};
}

give_up gave_up(const error_info& last, const call_view& call = {defaults}, int number = 1)
{
    const attempt_plan plan = plan_attempt(call, number, &last);
    EXPECT_TRUE(std::holds_alternative<give_up>(plan));
    return std::holds_alternative<give_up>(plan) ? std::get<give_up>(plan) : give_up{};
}

// The recorded cases.

std::vector<header> headers_of(const boost::json::object& from)
{
    std::vector<header> headers;
    if (const auto* object = from.if_contains("headers"))
    {
        for (const auto& [name, value] : object->as_object())
        {
            headers.emplace_back(name, std::string_view(value.as_string()));
        }
    }
    return headers;
}

error_info error_of(const boost::json::object& one)
{
    const std::string transport = text_of(one, "transport");
    if (transport == "connect_error")
    {
        return broken(phase::connect, false, refused);
    }
    if (transport == "tls_verify")
    {
        return broken(phase::tls, false, errc::certificate_refused);
    }
    if (transport == "read_error")
    {
        return broken(phase::body, true, errc::connection_lost);
    }
    EXPECT_EQ(transport, "");
    core::response_head head;
    head.status = static_cast<int>(one.at("status").as_int64());
    head.headers = headers_of(one);
    const auto* body = one.if_contains("body");
    const std::chrono::system_clock::time_point now(
        std::chrono::seconds(one.at("now_epoch").as_int64()));
    return core::decode_error(head, body ? boost::json::serialize(*body) : "", now);
}

void run_case(const boost::json::object& one)
{
    const error_info last = error_of(one);
    retry_policy policy;
    policy.replay_sent = true;
    if (const auto* most = one.if_contains("max_retries"))
    {
        policy.max_retries = static_cast<int>(most->as_int64());
    }
    const boost::json::object& expected = one.at("expect").as_object();
    const int number = static_cast<int>(one.at("attempt").as_int64()) + 1;
    for (const double random : {0.0, 0.5, std::nextafter(1.0, 0.0)})
    {
        const attempt_plan plan = plan_attempt({.policy = policy, .random = random}, number, &last);
        const wait* const delay = std::get_if<wait>(&plan);
        ASSERT_EQ(delay != nullptr, expected.at("retry").as_bool());
        if (!delay)
        {
            continue;
        }
        if (const auto* exact = expected.if_contains("delay_ms"))
        {
            const double ms = exact->to_number<double>();
            EXPECT_EQ(delay->floor, microseconds(std::llround(ms * 1000)));
            EXPECT_GE(delay->delay, delay->floor);
            EXPECT_LE(delay->delay,
                      delay->floor + std::max<microseconds>(delay->floor / 10, 250ms));
            continue;
        }
        const double ms = static_cast<double>(delay->delay.count()) / 1000;
        EXPECT_GE(ms, expected.at("delay_ms_min").to_number<double>());
        EXPECT_LE(ms, expected.at("delay_ms_max").to_number<double>());
        EXPECT_EQ(delay->floor, 0us);
    }
}

TEST(PlanAttempt, AgreesWithTheRecordedCases)
{
    const auto cases = load_cases("retry_cases.jsonl");
    ASSERT_EQ(cases.size(), 39U);
    for (const auto& one : cases)
    {
        SCOPED_TRACE(text_of(one, "name"));
        run_case(one);
    }
}

// What the policy says beyond them.

TEST(PlanAttempt, StartsTheFirstAttempt)
{
    EXPECT_EQ(std::get<attempt>(plan_attempt({defaults}, 0, nullptr)).target, 0U);
    EXPECT_TRUE(std::holds_alternative<attempt>(
        plan_attempt({.policy = defaults, .time_left = 1ns}, 0, nullptr)));
    const auto late =
        std::get<give_up>(plan_attempt({.policy = defaults, .time_left = 0ns}, 0, nullptr));
    ASSERT_TRUE(late.instead);
    EXPECT_EQ(late.instead->code, errc::deadline_exceeded);
}

TEST(PlanAttempt, RetriesTheStatusesOfTheList)
{
    for (const int status : {408, 409, 429, 500, 502, 503, 504, 529, 599})
    {
        EXPECT_TRUE(is_retried(failed(errc::api_error, status))) << status;
    }
    for (const int status : {400, 401, 402, 403, 404, 407, 410, 413, 422, 428, 430, 499})
    {
        EXPECT_FALSE(is_retried(failed(errc::api_error, status))) << status;
    }
    EXPECT_FALSE(is_retried(failed(errc::redirected, 307)));
}

TEST(PlanAttempt, CountsRetries)
{
    EXPECT_TRUE(is_retried(too_many(), {defaults}, 1));
    EXPECT_TRUE(is_retried(too_many(), {defaults}, 2));
    EXPECT_FALSE(is_retried(too_many(), {defaults}, 3));
    retry_policy most;
    most.max_retries = std::numeric_limits<int>::max();
    EXPECT_TRUE(is_retried(too_many(), {most}, std::numeric_limits<int>::max()));
}

TEST(PlanAttempt, DoublesTheDelayUpToItsBound)
{
    retry_policy policy;
    policy.max_retries = 100;
    const auto delay = [&policy](int number, double random) {
        return waited(too_many(), {.policy = policy, .random = random}, number).delay;
    };
    EXPECT_EQ(delay(1, 0), 500ms);
    EXPECT_EQ(delay(2, 0), 1s);
    EXPECT_EQ(delay(5, 0), 8s);
    EXPECT_EQ(delay(6, 0), 8s);
    EXPECT_EQ(delay(1, 0.5), 437500us);
    policy.jitter = 0;
    EXPECT_EQ(delay(1, 0.9), 500ms);
    policy.initial_delay = 0ms;
    EXPECT_EQ(delay(100, 0), 0ms);
    policy.initial_delay = 3s;
    policy.max_delay = 2s;
    EXPECT_EQ(delay(1, 0), 2s);
    policy.initial_delay = 1ms;
    policy.max_delay = 24h * 365;
    EXPECT_EQ(delay(100, 0), 24h * 365);
}

TEST(PlanAttempt, TreatsRetryAfterAsAFloorUpToItsCap)
{
    error_info last = too_many();
    last.retry_after = 120s;
    const auto half = waited(last, {.policy = defaults, .random = 0.5});
    EXPECT_EQ(half.floor, 120s);
    EXPECT_EQ(half.delay, 126s);
    last.retry_after = 1s;
    EXPECT_EQ(waited(last, {.policy = defaults, .random = 0}).delay, 1s);
    EXPECT_EQ(waited(last, {.policy = defaults, .random = 0.5}).delay, 1125ms);

    last.retry_after = 120s + 1us;
    const auto plan = gave_up(last);
    ASSERT_TRUE(plan.instead);
    EXPECT_EQ(plan.instead->code, errc::rate_limited);
    last.retry_after = 300s;
    EXPECT_EQ(gave_up(last).instead->message,
              "it failed; the server asks to wait 300 s, more than "
              "retry_policy::retry_after_cap (120 s)");
}

TEST(PlanAttempt, GatesTheClientOnlyWhereTheServerAsksEverybodyToWait)
{
    EXPECT_FALSE(waited(too_many()).gates_client);
    for (const int status : {429, 503, 500, 409})
    {
        error_info last = failed(errc::api_error, status);
        last.retry_after = 1s;
        EXPECT_EQ(waited(last).gates_client, status == 429 || status == 503) << status;
    }
}

TEST(PlanAttempt, ObeysTheServersWordButForTheCap)
{
    error_info last = failed(errc::bad_request, 400);
    last.should_retry = true;
    EXPECT_TRUE(is_retried(last));
    EXPECT_FALSE(is_retried(last, {defaults}, 3));
    last.retry_after = 121s;
    EXPECT_FALSE(is_retried(last));
    last = too_many();
    last.should_retry = false;
    EXPECT_FALSE(is_retried(last));
    last = failed(errc::quota_exhausted, 429);
    last.server_code = "insufficient_quota";
    last.should_retry = true;
    EXPECT_FALSE(is_retried(last));
}

TEST(PlanAttempt, NeverRetriesAUsedUpBudget)
{
    for (const std::string word : {"budget_exceeded", "insufficient_quota"})
    {
        error_info by_type = too_many();
        by_type.server_type = word;
        EXPECT_FALSE(is_retried(by_type)) << word;
        error_info by_code = too_many();
        by_code.server_code = word;
        EXPECT_FALSE(is_retried(by_code)) << word;
    }
}

TEST(PlanAttempt, NeverRetriesAfterADelivery)
{
    EXPECT_FALSE(is_retried(too_many(), {.policy = defaults, .delivered = true}));
    EXPECT_FALSE(is_retried(broken(phase::connect, false, refused),
                            {.policy = defaults, .delivered = true}));
}

TEST(PlanAttempt, JudgesAnErrorFrameByItsCode)
{
    error_info frame = failed(errc::unavailable, 200);
    frame.server_code = "503";
    EXPECT_TRUE(is_retried(frame));
    frame.code = errc::bad_request;
    frame.server_code = "400";
    EXPECT_FALSE(is_retried(frame));
}

TEST(PlanAttempt, DoesNotRepeatTimeoutsOfAServerThatWorkedLong)
{
    for (const int status : {408, 504})
    {
        const error_info last = failed(errc::api_error, status);
        EXPECT_TRUE(is_retried(last, {.policy = defaults, .attempt_took = 30s})) << status;
        EXPECT_FALSE(is_retried(last, {.policy = defaults, .attempt_took = 30s + 1ns})) << status;
    }
    EXPECT_TRUE(is_retried(failed(errc::api_error, 503),
                           {.policy = defaults, .attempt_took = std::chrono::hours(1)}));
}

TEST(PlanAttempt, RetriesConnectionsThatFailedBeforeTheRequest)
{
    for (const phase where :
         {phase::resolve, phase::connect, phase::tls, phase::proxy, phase::send})
    {
        EXPECT_TRUE(is_retried(broken(where, false, refused))) << to_string(where);
    }
    EXPECT_FALSE(is_retried(broken(phase::prepare, false, refused)));
    EXPECT_FALSE(is_retried(broken(phase::queue, false, refused)));
    EXPECT_TRUE(is_retried(broken(phase::connect, false, errc::connect_timeout)));
    EXPECT_TRUE(is_retried(broken(phase::resolve, false, errc::host_not_found)));
    EXPECT_TRUE(is_retried(broken(phase::send, false, errc::send_timeout)));
    EXPECT_FALSE(is_retried(broken(phase::tls, false, errc::certificate_refused)));
    EXPECT_FALSE(is_retried(broken(phase::tls, false, errc::tls_refused)));
    EXPECT_FALSE(is_retried(broken(phase::queue, false, errc::queue_timeout)));
}

TEST(PlanAttempt, ReplaysWhatWasSentOnlyOnRequest)
{
    retry_policy replay;
    replay.replay_sent = true;
    for (const auto& last : {broken(phase::send, true, reset), broken(phase::head, true, reset),
                             broken(phase::head, true, errc::connection_lost),
                             broken(phase::body, true, errc::truncated),
                             broken(phase::send, true, errc::send_timeout)})
    {
        EXPECT_FALSE(is_retried(last)) << last.code.message();
        EXPECT_TRUE(is_retried(last, {replay})) << last.code.message();
    }
}

TEST(PlanAttempt, LeavesAloneWhatARepetitionCannotMend)
{
    retry_policy replay;
    replay.replay_sent = true;
    const auto cancelled =
        boost::system::errc::make_error_code(boost::system::errc::operation_canceled);
    for (const bool sent : {false, true})
    {
        EXPECT_FALSE(is_retried(broken(phase::connect, sent, cancelled), {replay}));
        for (const errc code :
             {errc::no_key, errc::bad_url, errc::bad_config, errc::invalid_request,
              errc::plaintext_refused, errc::operation_in_progress, errc::client_closed,
              errc::context_stopped, errc::queue_timeout, errc::head_timeout,
              errc::first_event_timeout, errc::idle_timeout, errc::total_timeout,
              errc::deadline_exceeded, errc::certificate_refused, errc::bad_response,
              errc::unsupported_encoding, errc::too_large, errc::redirected})
        {
            EXPECT_FALSE(is_retried(broken(phase::send, sent, code), {replay}))
                << make_error_code(code).message();
        }
    }
    // the limit fired, or the call was cancelled, while an error's body was arriving
    EXPECT_FALSE(is_retried(failed(errc::total_timeout, 503)));
    error_info stopped = failed(errc::server_error, 503);
    stopped.code = cancelled;
    EXPECT_FALSE(is_retried(stopped));
}

TEST(PlanAttempt, StartsNothingThatCannotFit)
{
    const auto at = [](std::chrono::nanoseconds left) {
        return call_view{.policy = defaults, .time_left = left};
    };
    EXPECT_TRUE(is_retried(too_many(), at(500ms + 1ns)));
    const auto plan = gave_up(too_many(), at(500ms));
    ASSERT_TRUE(plan.instead);
    EXPECT_EQ(plan.instead->code, errc::rate_limited);
    EXPECT_EQ(plan.instead->message,
              "it failed; no time is left for another attempt, which would start in 500 ms");
    EXPECT_FALSE(is_retried(too_many(), at(-1s)));
    error_info last = too_many();
    last.retry_after = 10s;
    EXPECT_TRUE(is_retried(last, at(11s)));
    EXPECT_FALSE(is_retried(last, at(10s)));
    // where no retry was due anyway, the error stays as it is
    EXPECT_FALSE(gave_up(failed(errc::bad_request, 400), at(1ms)).instead);
}

TEST(PlanAttempt, TakesTheNextTarget)
{
    retry_policy policy;
    policy.max_retries = 10;
    const call_view call{.policy = policy, .targets = 3};
    EXPECT_EQ(waited(too_many(), call, 1).next.target, 1U);
    EXPECT_EQ(waited(too_many(), call, 2).next.target, 2U);
    EXPECT_EQ(waited(too_many(), call, 3).next.target, 0U);
    EXPECT_EQ(waited(too_many(), {.policy = policy, .targets = 0}, 1).next.target, 0U);
}

}  // namespace
}  // namespace regolo::test
