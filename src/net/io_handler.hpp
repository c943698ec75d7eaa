#pragma once

#include "net/take_handler.hpp"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace regolo::net {

namespace asio = boost::asio;

template <class Signature>
class io_handler;

/** A completion handler of any type, with the executor that it runs on. Small ones need no memory.

    `any_completion_handler` alone hides that executor behind another one. Asio then asks for memory several times for
    each operation, without looking whether it gets any (Boost 1.81).
*/
template <class... Results>
class io_handler<void(Results...)>
{
public:
    using executor_type = asio::any_io_executor;
    using cancellation_slot_type = asio::cancellation_slot;

    io_handler() = default;

    /// @throws std::bad_alloc  where it is a large one; it is gone then
    template <class Handler>
    io_handler(Handler handler)  // NOLINT(*-explicit-*): as std::function takes what can be called
        : executor_(asio::get_associated_executor(handler))
    {
        store(handler);
    }
    /// With another executor than the handler's own.
    template <class Handler>
    io_handler(executor_type executor, Handler handler) : executor_(std::move(executor))
    {
        store(handler);
    }

    ~io_handler() { clear(); }

    io_handler(io_handler&& other) noexcept { take(other); }

    io_handler& operator=(io_handler&& other) noexcept
    {
        if (this != &other)
        {
            clear();
            take(other);
        }
        return *this;
    }

    [[nodiscard]] executor_type get_executor() const noexcept { return executor_; }

    [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept
    {
        return type_->slot(&space_);
    }

    explicit operator bool() const noexcept { return type_ != nullptr; }

    void operator()(Results... results)
    {
        std::exchange(type_, nullptr)->call(&space_, std::move(results)...);
    }

private:
    class large_handler
    {
    public:
        using cancellation_slot_type = asio::cancellation_slot;

        template <class Handler>
        explicit large_handler(Handler handler) : handler_(std::move(handler))
        {}
        large_handler(large_handler&& other) noexcept : handler_(take_handler(other.handler_)) {}

        [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept
        {
            return asio::get_associated_cancellation_slot(handler_);
        }

        void operator()(Results... results) { std::move(handler_)(std::move(results)...); }

    private:
        asio::any_completion_handler<void(Results...)> handler_;
    };

    // A coroutine's, or that of an operation with three shared pointers.
    static constexpr std::size_t small_size = 6 * sizeof(void*);
    struct space
    {
        alignas(void*) std::array<std::byte, small_size> bytes;
    };

    static constexpr bool fits(std::size_t size, std::size_t alignment) noexcept
    {
        return size <= sizeof(space) && alignment <= alignof(space);
    }
    template <class Handler>
    static constexpr bool is_small =
        fits(sizeof(Handler), alignof(Handler)) && std::is_nothrow_move_constructible_v<Handler>;

    struct handler_type
    {
        void (*call)(void* handler, Results&&... results);  // which is gone then
        void (*move)(void* from, void* to) noexcept;
        void (*destroy)(void* handler) noexcept;
        cancellation_slot_type (*slot)(const void* handler) noexcept;
    };

    template <class Handler>
    void store(Handler& handler)
    {
        using stored = std::conditional_t<is_small<Handler>, Handler, large_handler>;
        ::new (static_cast<void*>(&space_)) stored(std::move(handler));
        type_ = &type_of<stored>;
    }

    template <class Stored>
    static Stored take_out(void* handler) noexcept
    {
        auto* const from = static_cast<Stored*>(handler);
        Stored taken(std::move(*from));
        std::destroy_at(from);
        return taken;
    }

    template <class Stored>
    static constexpr handler_type type_of{
        [](void* handler, Results&&... results) {
            take_out<Stored>(handler)(std::move(results)...);
        },
        [](void* from, void* to) noexcept { ::new (to) Stored(take_out<Stored>(from)); },
        [](void* handler) noexcept { static_cast<Stored*>(handler)->~Stored(); },
        [](const void* handler) noexcept {
            return asio::get_associated_cancellation_slot(*static_cast<const Stored*>(handler));
        },
    };

    void take(io_handler& other) noexcept
    {
        executor_ = std::move(other.executor_);
        type_ = std::exchange(other.type_, nullptr);
        if (type_ != nullptr)
            type_->move(&other.space_, &space_);
    }

    void clear() noexcept
    {
        if (type_ != nullptr)
            std::exchange(type_, nullptr)->destroy(&space_);
    }

    executor_type executor_;
    const handler_type* type_ = nullptr;  // null: there is none
    space space_;
};

}  // namespace regolo::net
