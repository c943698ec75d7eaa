/* Every kind of exchange over every transport, with each fault at each byte that the client receives.

   `fault_stride()` is the distance of the bytes that are tried. */

#include "faults/stage.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <new>
#include <signal.h>
#include <tuple>

namespace regolo::test {

namespace {

using namespace std::chrono_literals;

std::ptrdiff_t open_files()
{
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                         std::filesystem::directory_iterator());
}

/// What a limit of `stage::config` may be called, and the longest of them.
bool is_limit(const error_info& info)
{
    return info.code == errc::connect_timeout || info.code == errc::send_timeout ||
           info.code == errc::head_timeout || info.code == errc::first_event_timeout ||
           info.code == errc::idle_timeout;
}
constexpr auto longest_wait = 25s;

class Sweep : public ::testing::TestWithParam<std::tuple<transport, fault>>
{
protected:
    static transport how() { return std::get<0>(GetParam()); }
    static fault what() { return std::get<1>(GetParam()); }

    /// Bytes that can be struck: those of one exchange, undisturbed.
    std::size_t size_of(stage& on, const exchange_kind& kind)
    {
        on.server->arm(what(), std::string::npos);
        const auto result = on.run(kind);
        EXPECT_EQ(result.text, kind.right);
        const auto size = what() == fault::end ? kind.answer.size() : on.server->sent();
        on.server->disarm();
        // A server that falls silent after its answer is noticed by the request after that.
        return what() == fault::stall ? size - 1 : size;
    }

    void judge(const exchange_kind& kind, const outcome& result, std::size_t at) const
    {
        ASSERT_TRUE(result.is_done) << "hangs";
        ASSERT_FALSE(result.other);
        if (!result.failure)
        {
            if (result.text != kind.right)
            {
                EXPECT_EQ(without_damage(result.text), without_damage(literal_result(kind, at)));
            }
            return;
        }
        const auto& info = *result.failure;
        EXPECT_FALSE(info.message.empty());
        EXPECT_FALSE(info.code.message().empty());
        EXPECT_NE(info.code, asio::error::operation_aborted) << info.message;
        if (what() == fault::stall && info.http_status < 400)
        {
            EXPECT_TRUE(is_limit(info)) << info.code.message() << ": " << info.message;
        }
        // The status of an error stands, whatever becomes of its words.
        if (info.http_status >= 400 && kind.name == std::string_view("error"))
            return;
        if ((what() == fault::end || what() == fault::cut || what() == fault::reset) &&
            info.where != phase::tls && info.where != phase::proxy && info.where != phase::connect)
        {
            EXPECT_TRUE(info.code == errc::connection_lost || info.code == errc::truncated)
                << info.code.message() << ": " << info.message;
        }
    }

    /// Bytes that are no UTF-8 become U+FFFD in the library's texts and stay in the literal ones; files are longer.
    static std::string without_damage(const std::string& text)
    {
        std::string ascii;
        if (text.size() > 200)
            return text;
        std::copy_if(text.begin(), text.end(), std::back_inserter(ascii),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
        return ascii;
    }

    /// What an answer that nobody protects says when one of its bytes is changed on the way.
    static std::string literal_result(const exchange_kind& kind, std::size_t at)
    {
        if (is_encrypted(how()) || (what() != fault::flip && what() != fault::repeat))
            return "nothing but the right answer";
        auto bytes = kind.answer;
        if (what() == fault::flip)
            bytes.at(at) = static_cast<char>(bytes.at(at) ^ (1 << at % 8));
        else
            bytes.insert(at, bytes.substr(at < 64 ? 0 : at - 64, at < 64 ? at : 64));
        try
        {
            return read_literally(kind, bytes);
        }
        catch (const std::exception& broken)
        {
            return std::string("no answer: ") + broken.what();
        }
    }

    void strike(stage& on, const exchange_kind& kind, std::size_t at, bool reused)
    {
        SCOPED_TRACE(std::string(kind.name) + (reused ? ", reused" : ", fresh") + ", at byte " +
                     std::to_string(at));
        if (reused && on.user->stats().idle == 0)
        {
            EXPECT_EQ(on.run(kind).text, kind.right);
            ASSERT_TRUE(on.settle());
        }
        const auto before = on.server->requests();
        on.server->arm(what(), at);
        const auto result = on.run(kind);
        if (at != 0)
        {
            EXPECT_LE(on.server->requests(), before + 1)
                << "a request that was answered is sent again";
        }
        EXPECT_LE(on.elapsed(), longest_wait);
        if (on.server->has_struck())
            ++struck_;
        judge(kind, result, at);
        ++(result.failure ? errors_ : answers_);
        on.server->disarm();
        ASSERT_TRUE(on.settle()) << "something goes on for ever";
        // The same client goes on as if nothing had happened.
        const auto again = on.run(kind);
        EXPECT_EQ(again.text, kind.right)
            << (again.failure ? again.failure->message : std::string());
        ASSERT_TRUE(on.settle());
    }

    void sweep(stage& on, const exchange_kind& kind, bool reused)
    {
        on.server->answer_with(kind.answer);
        auto config = on.config();
        if (!reused)
            config.pool.max_idle = 0;
        on.open(config);
        static_cast<void>(on.run(kind));  // with TLS, the ticket of the next one
        ASSERT_TRUE(on.settle());
        const auto size = size_of(on, kind);
        ASSERT_TRUE(on.settle());
        // Not the same bytes of each kind, so that a few runs with a stride see them all.
        for (std::size_t at = first_++ % fault_stride(); at <= size && !HasFailure();
             at += fault_stride())
            strike(on, kind, at, reused);
    }

    std::size_t struck_ = 0;
    std::size_t errors_ = 0;
    std::size_t answers_ = 0;
    std::size_t first_ = 0;
};

TEST_P(Sweep, GivesTheRightAnswerOrADocumentedError)
{
    struct sigaction pipe
    {};
    ASSERT_EQ(sigaction(SIGPIPE, nullptr, &pipe), 0);
    ASSERT_EQ(pipe.sa_handler, SIG_DFL) << "a write to a connection that was reset would go unseen";
    {
        stage warm(how());  // OpenSSL's own files and tables
        warm.server->answer_with(exchange_kinds().front().answer);
        warm.open(warm.config());
        static_cast<void>(warm.run(exchange_kinds().front()));
    }
    const auto files = open_files();
    {
        stage on(how());
        for (const auto& kind : exchange_kinds())
        {
            for (const bool reused : {false, true})
            {
                if (reused && how() == transport::tls_resumed)
                    continue;  // no handshake: the same as tls
                sweep(on, kind, reused);
                if (HasFailure())
                    return;
            }
        }
        on.user.reset();
        EXPECT_TRUE(on.settle()) << "connections outlive their client";
    }
    EXPECT_EQ(open_files(), files);
    EXPECT_GT(struck_, 0U);
    std::cout << "faults: " << struck_ << " struck, " << errors_ << " documented errors, "
              << answers_ << " right answers\n";
}

INSTANTIATE_TEST_SUITE_P(Faults, Sweep,
                         ::testing::Combine(::testing::ValuesIn(all_transports),
                                            ::testing::ValuesIn(all_faults)),
                         [](const auto& chosen) {
                             return std::string(name_of(std::get<0>(chosen.param))) + "_" +
                                    name_of(std::get<1>(chosen.param));
                         });

}  // namespace

}  // namespace regolo::test
