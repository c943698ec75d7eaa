// Every exchange, ended after each step of its io_context: cancelled in every way, dropped, closed, cut by the server.

#include "integration/exchanges.hpp"

#include <regolo/testing/run.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <stop_token>
#include <tuple>

namespace asio = boost::asio;

namespace regolo::test {

using namespace regolo::testing;

namespace {

using namespace std::chrono_literals;

enum class way
{
    slot,            // the cancellation slot of the operation
    stop_token,      // call_options::stop
    race,            // operation || other
    close_client,    // client::close()
    destroy_client,  // ~client: the call goes on
    reset_server,    // RST from the server
    close_server,    // FIN from the server
};

constexpr const char* way_names[] = {"Slot",          "StopToken",   "Race",       "CloseClient",
                                     "DestroyClient", "ResetServer", "CloseServer"};

/// Far more steps than any exchange has.
constexpr std::size_t too_many_steps = 2000;

asio::awaitable<void> wait_for(std::shared_ptr<asio::steady_timer> trigger)
{
    co_await trigger->async_wait(asio::as_tuple(asio::use_awaitable));
}

constexpr const char* lost_race = "lost the race";

asio::awaitable<std::string> race(asio::awaitable<std::string> operation,
                                  std::shared_ptr<asio::steady_timer> trigger)
{
    using namespace asio::experimental::awaitable_operators;
    auto first = co_await (std::move(operation) || wait_for(std::move(trigger)));
    co_return first.index() == 0 ? std::get<0>(first) : std::string(lost_race);
}

/// Tells when the operation has begun: cancelled before that, co_spawn itself lets an exception out of run().
asio::awaitable<std::string> announced(asio::awaitable<std::string> operation, bool& has_begun)
{
    has_begun = true;
    co_return co_await std::move(operation);
}

class CancelledAtEveryStep : public ::testing::TestWithParam<std::tuple<way, bool>>
{
protected:
    way how() const { return std::get<0>(GetParam()); }
    bool tls() const { return std::get<1>(GetParam()); }

    void make_client(bool reused)
    {
        auto config = config_for(server_);
        if (!reused)
            config.pool.max_idle = 0;
        client_.emplace(io_, config);
    }

    /// Starts the exchange, lets it make `steps` steps, and ends it. False if it was over before.
    bool end_after(kind what, std::size_t steps, ending& result)
    {
        asio::cancellation_signal signal;
        std::stop_source stop;
        const auto trigger =
            std::make_shared<asio::steady_timer>(io_, asio::steady_timer::time_point::max());
        call_options options;
        if (how() == way::stop_token)
            options.stop = stop.get_token();
        auto operation = exchange_of(what, *client_, options);
        if (how() == way::race)
            operation = race(std::move(operation), trigger);
        bool has_begun = false;
        asio::co_spawn(io_, announced(std::move(operation), has_begun),
                       asio::bind_cancellation_slot(
                           signal.slot(), [&](std::exception_ptr failure, std::string text) {
                               result.note(failure, std::move(text));
                           }));
        EXPECT_TRUE(run_until(io_, [&] { return has_begun; }));
        for (std::size_t i = 0; i != steps && !result.is_done; ++i)
            EXPECT_EQ(io_.run_one_for(5s), 1U);
        if (result.is_done)
            return false;
        bool has_ended_it = false;
        asio::post(io_, [&] {
            has_ended_it = true;
            switch (how())
            {
                case way::slot:
                    return signal.emit(asio::cancellation_type::terminal);
                case way::stop_token:
                    return void(stop.request_stop());
                case way::race:
                    return void(trigger->cancel());
                case way::close_client:
                    return client_->close();
                case way::destroy_client:
                    return client_.reset();
                case way::reset_server:
                    return server_.reset_connections();
                case way::close_server:
                    return server_.close_connections();
            }
        });
        EXPECT_TRUE(run_until(io_, [&] { return result.is_done && has_ended_it; })) << "hangs";
        return true;
    }

    void judge(const ending& result, const std::string& right_answer) const
    {
        EXPECT_FALSE(result.other);
        if (result.by_asio)
        {
            EXPECT_TRUE(how() == way::slot || how() == way::race);
            return;
        }
        if (!result.error)
        {
            if (how() != way::race || result.text != lost_race)
            {
                EXPECT_EQ(result.text, right_answer);
            }
            return;
        }
        const auto& info = *result.error;
        EXPECT_FALSE(info.message.empty());
        EXPECT_FALSE(info.call_id.empty());
        switch (how())
        {
            case way::slot:
            case way::stop_token:
            case way::race:
                EXPECT_EQ(info.code, asio::error::operation_aborted) << info.message;
                break;
            case way::close_client:
                EXPECT_EQ(info.code, errc::client_closed) << info.message;
                break;
            case way::destroy_client:
                ADD_FAILURE() << "a call outlives its client: " << info.message;
                break;
            case way::reset_server:
            case way::close_server:
                if (info.where != phase::tls && info.where != phase::connect)
                {
                    EXPECT_TRUE(info.code == errc::connection_lost || info.code == errc::truncated)
                        << info.message;
                }
                break;
        }
    }

    /// Nothing may be left of what was ended; an idle connection is none of it.
    void expect_clean()
    {
        if (client_)
        {
            EXPECT_TRUE(run_until(io_, [&] { return is_quiet(*client_); }));
        }
        EXPECT_TRUE(
            run_until_closed(io_, server_, [&] { return client_ ? client_->stats().idle : 0; }));
    }

    void end_at_every_step(kind what, bool reused)
    {
        if (!client_)
            make_client(reused);
        const auto right_answer = run_on(io_, exchange_of(what, *client_));
        ASSERT_FALSE(right_answer.empty());
        for (std::size_t n = 0;; ++n)
        {
            SCOPED_TRACE(std::string(name_of(what)) + (reused ? ", reused" : ", fresh") +
                         ", after step " + std::to_string(n));
            ASSERT_LT(n, too_many_steps);
            if (!client_)
                make_client(reused);
            if (reused && client_->stats().idle == 0)
                static_cast<void>(run_on(io_, client_->models()));
            ending result;
            const auto received = server_.counts().requests;
            const bool was_running = end_after(what, n, result);
            judge(result, right_answer);
            expect_clean();
            if (result.error && server_.counts().requests != received)
            {
                EXPECT_TRUE(result.error->sent) << "the server has it: " << describe(*result.error);
            }
            if (how() == way::close_client && was_running)
                client_.reset();
            if (HasFailure())
                return;
            if (!was_running)
                break;
        }
        if (client_)
        {
            EXPECT_EQ(run_on(io_, exchange_of(what, *client_)), right_answer);
        }
        client_.reset();
        io_.restart();
        io_.run_for(5s);
        EXPECT_TRUE(io_.stopped()) << "run() does not return";
    }

    test_server server_{options_for(tls())};
    asio::io_context io_{1};
    std::optional<client> client_;
};

TEST_P(CancelledAtEveryStep, LeavesNothingBehind)
{
    make_client(false);  // with it come the files of the io_context itself
    const auto files = open_files();
    for (const auto what : all_kinds)
    {
        for (const bool reused : {false, true})
        {
            end_at_every_step(what, reused);
            if (HasFatalFailure() || HasFailure())
                return;
        }
    }
    EXPECT_TRUE(server_.wait_until([&] { return server_.counts().open == 0; }));
    EXPECT_EQ(open_files(), files);
}

std::string param_name(const ::testing::TestParamInfo<std::tuple<way, bool>>& info)
{
    return std::string(way_names[static_cast<std::size_t>(std::get<0>(info.param))]) +
           (std::get<1>(info.param) ? "Tls" : "Plain");
}

INSTANTIATE_TEST_SUITE_P(
    Ways, CancelledAtEveryStep,
    ::testing::Combine(::testing::Values(way::slot, way::stop_token, way::race, way::close_client,
                                         way::destroy_client, way::reset_server, way::close_server),
                       ::testing::Bool()),
    param_name);

// ---- the io_context itself goes

class DroppedAtEveryStep : public ::testing::TestWithParam<bool>
{};

TEST_P(DroppedAtEveryStep, FramesDestroyedWithTheContextLeaveNothing)
{
    test_server server(options_for(GetParam()));
    const auto files = open_files();
    for (const auto what : all_kinds)
    {
        for (std::size_t n = 0;; ++n)
        {
            SCOPED_TRACE(std::string(name_of(what)) + ", after step " + std::to_string(n));
            ASSERT_LT(n, too_many_steps);
            ending result;
            {
                asio::io_context io{1};
                client from(io, config_for(server));
                asio::co_spawn(io, exchange_of(what, from),
                               [&](std::exception_ptr failure, std::string text) {
                                   result.note(failure, std::move(text));
                               });
                for (std::size_t i = 0; i != n && !result.is_done; ++i)
                    ASSERT_EQ(io.run_one_for(5s), 1U);
            }
            ASSERT_TRUE(server.wait_until([&] { return server.counts().open == 0; }));
            if (result.is_done)
            {
                EXPECT_FALSE(result.error);
                break;
            }
        }
    }
    EXPECT_EQ(open_files(), files);
}

INSTANTIATE_TEST_SUITE_P(Transports, DroppedAtEveryStep, ::testing::Bool(),
                         [](const auto& chosen) { return chosen.param ? "Tls" : "Plain"; });

}  // namespace

}  // namespace regolo::test
