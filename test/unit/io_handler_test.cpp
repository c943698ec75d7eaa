#include "net/io_handler.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/system_executor.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

// A handler is called once or not at all, and what it holds is given back in either case, however large it is and however often
// it was moved.

namespace regolo::test {

namespace {

namespace asio = boost::asio;
using handler = net::io_handler<void(int)>;

/// Keeps a witness, in so many bytes.
template <std::size_t Size>
struct witnessed
{
    void operator()(int result) { *told = result; }

    std::shared_ptr<int> told;
    std::array<char, Size> more{};
};

template <class Size>
class IoHandler : public ::testing::Test
{
protected:
    [[nodiscard]] auto make() const { return witnessed<Size::value>{told_}; }
    [[nodiscard]] int told() const { return *told_; }
    /// Handlers that have not been called or given up.
    [[nodiscard]] long alive() const { return told_.use_count() - 1; }

private:
    std::shared_ptr<int> told_ = std::make_shared<int>(0);
};

// Of those that lie in the handler, and of those that do not.
using sizes = ::testing::Types<
    std::integral_constant<std::size_t, 1>, std::integral_constant<std::size_t, 32>,
    std::integral_constant<std::size_t, 33>, std::integral_constant<std::size_t, 500>>;
TYPED_TEST_SUITE(IoHandler, sizes);

TYPED_TEST(IoHandler, IsCalledOnceAndGone)
{
    handler done(this->make());
    ASSERT_TRUE(done);
    EXPECT_EQ(this->alive(), 1);
    done(7);
    EXPECT_EQ(this->told(), 7);
    EXPECT_EQ(this->alive(), 0);
    EXPECT_FALSE(done);
}

TYPED_TEST(IoHandler, IsGivenUpWhereItIsNotCalled)
{
    {
        const handler done(this->make());
        EXPECT_EQ(this->alive(), 1);
    }
    EXPECT_EQ(this->alive(), 0);
    handler done(this->make());
    done = handler();
    EXPECT_FALSE(done);
    EXPECT_EQ(this->alive(), 0);
    EXPECT_EQ(this->told(), 0);
}

TYPED_TEST(IoHandler, MovesAndLeavesNone)
{
    handler first(this->make());
    handler second(std::move(first));
    EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): that is what it says
    first = std::move(second);
    EXPECT_FALSE(second);  // NOLINT(bugprone-use-after-move): the same
    second = handler(this->make());
    EXPECT_EQ(this->alive(), 2);
    second = std::move(first);
    EXPECT_EQ(this->alive(), 1) << "the one before it is given up";
    second(9);
    EXPECT_EQ(this->told(), 9);
    EXPECT_EQ(this->alive(), 0);
}

TYPED_TEST(IoHandler, MayGoWithWhatOwnsIt)
{
    struct owner
    {
        handler done;
    };
    auto own = std::make_unique<owner>();
    auto& place = *own;
    place.done = handler([own = std::move(own), last = this->make()](int result) mutable {
        own.reset();
        last(result);
    });
    place.done(5);
    EXPECT_EQ(this->told(), 5);
    EXPECT_EQ(this->alive(), 0);
}

TYPED_TEST(IoHandler, TellsExecutorAndSlot)
{
    asio::io_context io;
    const auto strand = asio::make_strand(io);
    asio::cancellation_signal signal;
    const handler plain(this->make());
    EXPECT_EQ(plain.get_executor(), asio::any_io_executor(asio::system_executor()));
    EXPECT_FALSE(plain.get_cancellation_slot().is_connected());

    handler bound(
        asio::bind_cancellation_slot(signal.slot(), asio::bind_executor(strand, this->make())));
    const handler moved(std::move(bound));
    EXPECT_EQ(moved.get_executor(), asio::any_io_executor(strand));
    bool heard = false;
    moved.get_cancellation_slot().assign([&](asio::cancellation_type) { heard = true; });
    signal.emit(asio::cancellation_type::all);
    EXPECT_TRUE(heard);

    const handler elsewhere(asio::any_io_executor(io.get_executor()),
                            asio::bind_executor(strand, this->make()));
    EXPECT_EQ(elsewhere.get_executor(), asio::any_io_executor(io.get_executor()));
}

}  // namespace

}  // namespace regolo::test
