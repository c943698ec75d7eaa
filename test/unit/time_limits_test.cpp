#include "admission.hpp"
#include "net/deadline_timer.hpp"
#include "net/scope.hpp"
#include "support/manual_clock.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <vector>

// Everything that waits for a time, on a clock moved by hand.

namespace regolo::test {

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using net::deadline_timer;

class probe final : public deadline_timer::entry
{
public:
    explicit probe(std::shared_ptr<deadline_timer> timer) : entry(std::move(timer)) {}
    ~probe() { detach(); }

    int fired = 0;
    int failures = 0;  // how often to say that it could not be done

private:
    bool expired() noexcept override
    {
        if (failures > 0)
        {
            --failures;
            return false;
        }
        ++fired;
        return true;
    }
};

class DeadlineTimer : public ::testing::Test
{
protected:
    manual_time time;
    std::shared_ptr<deadline_timer> timer = std::make_shared<deadline_timer>(time.make_clock());
};

TEST_F(DeadlineTimer, FiresAtItsTimeAndOnce)
{
    probe one(timer);
    one.arm(time.now() + 200ms);
    time.advance(199ms);
    EXPECT_EQ(one.fired, 0);
    time.advance(1ms);
    EXPECT_EQ(one.fired, 1);
    time.advance(1h);
    EXPECT_EQ(one.fired, 1);
}

TEST_F(DeadlineTimer, FiresInOrderOfTime)
{
    std::vector<std::unique_ptr<probe>> all;
    for (const auto due : {300ms, 100ms, 200ms, 100ms})
    {
        all.push_back(std::make_unique<probe>(timer));
        all.back()->arm(time.now() + due);
    }
    time.advance(100ms);
    EXPECT_EQ(all[1]->fired + all[3]->fired, 2);
    EXPECT_EQ(all[0]->fired + all[2]->fired, 0);
    time.advance(100ms);
    EXPECT_EQ(all[2]->fired, 1);
    EXPECT_EQ(all[0]->fired, 0);
    time.advance(100ms);
    EXPECT_EQ(all[0]->fired, 1);
}

TEST_F(DeadlineTimer, ATimeThatHasPassedFiresSoon)
{
    probe one(timer);
    one.arm(time.now() - 1s);
    time.advance(deadline_timer::tick);
    EXPECT_EQ(one.fired, 1);
}

TEST_F(DeadlineTimer, ALiftedLimitDoesNotFire)
{
    probe one(timer);
    one.arm(time.now() + 50ms);
    one.disarm();
    time.advance(1s);
    EXPECT_EQ(one.fired, 0);
}

TEST_F(DeadlineTimer, AMovedLimitFiresAtItsNewTime)
{
    probe later(timer);
    later.arm(time.now() + 50ms);
    later.arm(time.now() + 150ms);
    time.advance(149ms);
    EXPECT_EQ(later.fired, 0);
    time.advance(1ms);
    EXPECT_EQ(later.fired, 1);
    probe sooner(timer);
    sooner.arm(time.now() + 1h);
    time.advance(1s);  // the timer has settled for a long sleep
    sooner.arm(time.now() + 30ms);
    time.advance(30ms);
    EXPECT_EQ(sooner.fired, 1);
}

TEST_F(DeadlineTimer, ALimitMovedWithEveryReadCostsNoRequestEach)
{
    probe idle(timer);
    constexpr int reads = 1000;
    for (int i = 0; i < reads; ++i)
    {
        idle.arm(time.now() + 120s);
        time.advance(1ms);
        idle.disarm();
    }
    EXPECT_EQ(idle.fired, 0);
    // One sleep per tick at most.
    EXPECT_LE(time.requests(), 2 * reads * 1ms / deadline_timer::tick);
}

TEST_F(DeadlineTimer, SleepsLongWhenNothingChanges)
{
    probe one(timer);
    one.arm(time.now() + 1h);
    time.advance(59min);
    EXPECT_LE(time.wake_ups(), 3);
    time.advance(1min);
    EXPECT_EQ(one.fired, 1);
}

TEST_F(DeadlineTimer, DoesNotOutlastItsLastLimitByMoreThanATick)
{
    probe one(timer);
    one.arm(time.now() + 1h);
    time.advance(1s);
    one.disarm();
    EXPECT_LE(time.wake_at(), time.now() + deadline_timer::tick);
    time.advance(deadline_timer::tick);
    EXPECT_EQ(time.wake_at(), manual_time::time_point::max());
}

TEST_F(DeadlineTimer, AnEntryMayGoWhileItIsArmed)
{
    probe stays(timer);
    stays.arm(time.now() + 20ms);
    {
        probe goes(timer);
        goes.arm(time.now() + 10ms);
    }
    time.advance(20ms);
    EXPECT_EQ(stays.fired, 1);
}

TEST_F(DeadlineTimer, WhatCouldNotBeDoneIsTriedAgain)
{
    probe one(timer);
    one.failures = 2;
    one.arm(time.now() + 5ms);
    time.advance(5ms + 2 * deadline_timer::tick);
    EXPECT_EQ(one.fired, 1);
}

// ---- scope

class Scope : public ::testing::Test
{
protected:
    void advance(std::chrono::nanoseconds by)
    {
        time.advance(by);
        io.restart();
        io.poll();
    }

    asio::io_context io{1};
    manual_time time;
    std::shared_ptr<deadline_timer> timer = std::make_shared<deadline_timer>(time.make_clock());
    std::shared_ptr<net::scope> call =
        std::make_shared<net::scope>(asio::make_strand(io.get_executor()), timer);
};

TEST_F(Scope, APhaseEndsItWithItsOwnReason)
{
    const net::scope::phase_limit limit(*call, errc::head_timeout, 200ms);
    advance(199ms);
    EXPECT_EQ(call->aborted(), nullptr);
    advance(1ms);
    ASSERT_NE(call->aborted(), nullptr);
    EXPECT_EQ(call->aborted()->code, errc::head_timeout);
    EXPECT_NE(call->aborted()->message.find("200 ms"), std::string::npos);
    EXPECT_THROW(call->check(), error);
}

TEST_F(Scope, APhaseThatIsOverDoesNotCount)
{
    {
        const net::scope::phase_limit limit(*call, errc::connect_timeout, 50ms);
    }
    advance(1s);
    EXPECT_EQ(call->aborted(), nullptr);
}

TEST_F(Scope, ProgressStartsAPhaseAnew)
{
    net::scope::phase_limit limit(*call, errc::send_timeout, 50ms);
    for (int i = 0; i < 10; ++i)
    {
        advance(49ms);
        limit.restart();
    }
    EXPECT_EQ(call->aborted(), nullptr);
    advance(50ms);
    EXPECT_EQ(call->aborted()->code, errc::send_timeout);
}

TEST_F(Scope, TimeUsedBeforeCounts)
{
    const net::scope::phase_limit limit(*call, errc::first_event_timeout, 100ms, 60ms);
    advance(40ms);
    ASSERT_NE(call->aborted(), nullptr);
    EXPECT_EQ(call->aborted()->code, errc::first_event_timeout);
}

TEST_F(Scope, ZeroIsNoLimit)
{
    const net::scope::phase_limit limit(*call, errc::head_timeout, 0ms);
    advance(1000h);
    EXPECT_EQ(call->aborted(), nullptr);
}

TEST_F(Scope, TheEarlierOfTotalAndDeadlineCounts)
{
    call->limit_total(1s, time.now() + 300ms);
    EXPECT_EQ(call->end_of_time(), time.now() + 300ms);
    advance(300ms);
    EXPECT_EQ(call->aborted()->code, errc::deadline_exceeded);

    const auto other = std::make_shared<net::scope>(asio::make_strand(io.get_executor()), timer);
    other->limit_total(100ms, time.now() + 300ms);
    advance(100ms);
    EXPECT_EQ(other->aborted()->code, errc::total_timeout);
}

TEST_F(Scope, GoesOnAfterTheLimitOfAPhaseAlone)
{
    call->limit_total(1s);
    {
        const net::scope::phase_limit limit(*call, errc::connect_timeout, 100ms);
        advance(100ms);
    }
    EXPECT_TRUE(call->revive());
    EXPECT_EQ(call->aborted(), nullptr);
    EXPECT_FALSE(call->revive());
    advance(899ms);
    EXPECT_EQ(call->aborted(), nullptr);
    advance(1ms);
    ASSERT_NE(call->aborted(), nullptr);
    EXPECT_EQ(call->aborted()->code, errc::total_timeout);
    EXPECT_FALSE(call->revive());
}

TEST_F(Scope, ACancellationIsStrongerThanTheLimitOfAPhase)
{
    const net::scope::phase_limit limit(*call, errc::connect_timeout, 100ms);
    advance(100ms);
    call->abort({asio::error::operation_aborted, "cancelled"});
    EXPECT_FALSE(call->revive());
    EXPECT_EQ(call->aborted()->code, asio::error::operation_aborted);
    call->abort({make_error_code(errc::client_closed), "closed"});
    EXPECT_EQ(call->aborted()->code, asio::error::operation_aborted);
}

TEST_F(Scope, AbortReachesASleeperAndFromAnywhere)
{
    std::exception_ptr ended;
    asio::co_spawn(call->executor(), call->sleep_until(time.now() + 1h),
                   asio::bind_cancellation_slot(
                       call->slot(), [&](std::exception_ptr failure) { ended = failure; }));
    advance(1s);
    EXPECT_FALSE(ended);
    call->abort_from_anywhere({make_error_code(errc::client_closed), "closed"});
    advance(0ms);
    EXPECT_TRUE(ended);
    EXPECT_EQ(call->aborted()->code, errc::client_closed);
}

// ---- admission

class fixed_chance final : public net::random_source
{
public:
    std::uint64_t next() noexcept override { return 0; }
};

TEST_F(Scope, AdmissionHoldsBackUntilThePauseIsOver)
{
    regolo::detail::client_admission gate(std::make_shared<fixed_chance>());
    const auto enter = [&] {
        auto done = std::make_shared<bool>(false);
        asio::co_spawn(call->executor(), gate.admit(call, {}),
                       [done](std::exception_ptr, auto) { *done = true; });
        io.restart();
        io.poll();
        return done;
    };
    EXPECT_TRUE(*enter());
    gate.pause_until(time.now() + 100ms);
    gate.pause_until(time.now() + 50ms);  // the longest counts
    const auto waits = enter();
    advance(99ms);
    EXPECT_FALSE(*waits);
    gate.pause_until(time.now() + 100ms);  // asked for while it waits
    advance(1ms);
    EXPECT_FALSE(*waits);
    advance(99ms);
    EXPECT_TRUE(*waits);
    EXPECT_TRUE(*enter());
}

}  // namespace

}  // namespace regolo::test
