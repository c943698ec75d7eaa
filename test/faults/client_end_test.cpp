// Every kind of exchange over every transport, ended by its own program after each handler that the client runs.

#include "faults/stage.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <iostream>
#include <iterator>
#include <stop_token>
#include <tuple>

namespace regolo::test {

namespace {

/// More handlers than any exchange has.
constexpr std::size_t too_many = 2000;

enum class way
{
    stop,             // call_options::stop
    close_client,     // client::close()
    destroy_client,   // the last handle: the call goes on
    stop_context,     // io_context::stop(), and on with it later
    destroy_context,  // with all that is under way
};

constexpr const char* way_names[] = {"stop", "close_client", "destroy_client", "stop_context",
                                     "destroy_context"};

class ClientEnd : public ::testing::TestWithParam<std::tuple<transport, way>>
{
protected:
    static way how() { return std::get<1>(GetParam()); }

    /// Ends the exchange after so many handlers. False if it was over before.
    bool end_after(const exchange_kind& kind, std::size_t handlers)
    {
        SCOPED_TRACE(std::string(kind.name) + ", after " + std::to_string(handlers));
        outcome result;  // outlives what writes to it
        stage on(std::get<0>(GetParam()));
        on.server->answer_with(kind.answer);
        std::stop_source stop;
        auto config = on.config();
        on.open(config);
        on.start(kind, result, stop.get_token());
        for (std::size_t i = 0; i != handlers && !result.is_done; ++i)
            EXPECT_TRUE(on.run_until(
                [&, before = on.handlers()] { return on.handlers() != before || result.is_done; }));
        const bool was_running = !result.is_done;
        ++cases_;
        switch (how())
        {
            case way::stop:
                stop.request_stop();
                break;
            case way::close_client:
                on.user->close();
                break;
            case way::destroy_client:
                on.user.reset();
                break;
            case way::stop_context:
                on.io.stop();  // a turn begins with restart()
                break;
            case way::destroy_context:
                return was_running;
        }
        EXPECT_TRUE(on.run_until([&] { return result.is_done; })) << "hangs";
        judge(kind, result);
        EXPECT_TRUE(on.settle()) << "something is left";
        return was_running;
    }

    void judge(const exchange_kind& kind, const outcome& result) const
    {
        EXPECT_FALSE(result.other);
        if (!result.failure)
        {
            EXPECT_EQ(result.text, kind.right);
            return;
        }
        EXPECT_FALSE(result.failure->message.empty());
        if (how() == way::stop)
        {
            EXPECT_EQ(result.failure->code, asio::error::operation_aborted);
        }
        else
        {
            EXPECT_EQ(how(), way::close_client) << result.failure->message;
            EXPECT_EQ(result.failure->code, errc::client_closed);
        }
    }

    std::size_t cases_ = 0;
};

TEST_P(ClientEnd, LeavesNothingBehind)
{
    const auto files = [] {
        return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                             std::filesystem::directory_iterator());
    };
    end_after(exchange_kinds().front(), too_many);  // OpenSSL's own files
    const auto before = files();
    for (const auto& kind : exchange_kinds())
    {
        std::size_t handlers = how() == way::destroy_client;  // the first one asks the client
        while (end_after(kind, handlers) && !HasFailure())
            ASSERT_LT(++handlers, too_many);
        if (HasFailure())
            return;
    }
    EXPECT_EQ(files(), before);
    std::cout << "ends: " << cases_ << "\n";
}

INSTANTIATE_TEST_SUITE_P(
    Faults, ClientEnd,
    ::testing::Combine(::testing::ValuesIn(all_transports),
                       ::testing::Values(way::stop, way::close_client, way::destroy_client,
                                         way::stop_context, way::destroy_context)),
    [](const auto& chosen) {
        return std::string(name_of(std::get<0>(chosen.param))) + "_" +
               way_names[static_cast<std::size_t>(std::get<1>(chosen.param))];
    });

}  // namespace

}  // namespace regolo::test
