#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace regolo::core {

/** Undoes what has been done where it cannot be done to the end.

    For a change of several steps each of which may run out of memory:
    @code
    undo_log done;
    done.add([&text, size = text.size()]() noexcept { text.resize(size); });
    text += piece;
    ...
    done.commit();
    @endcode

    Without `commit`, the destructor takes the steps back, the last one first. The first few need no memory.
*/
class undo_log
{
public:
    undo_log() noexcept {}  // NOLINT(*-use-equals-default): that would fill the buffer
    undo_log(const undo_log&) = delete;
    undo_log& operator=(const undo_log&) = delete;
    ~undo_log() { close(true); }

    /** Before each step, how to undo it. That has to be harmless where the step itself fails.
        @returns  the function, which stays where it is */
    template <class Undo>
    Undo& add(Undo undo)
    {
        using added_step = step_of<Undo>;
        static_assert(std::is_nothrow_invocable_v<Undo&>);
        static_assert(alignof(added_step) <= alignof(std::max_align_t));
        constexpr auto size = round_up(sizeof(added_step));
        const bool fits = size <= sizeof buffer_ - used_;
        void* const place = fits ? &buffer_[used_] : ::operator new(size);
        used_ += fits ? size : 0;
        auto* const added = ::new (place) added_step(last_, std::move(undo), !fits);
        last_ = added;
        return added->undo;
    }

    /// Everything is done.
    void commit() noexcept { close(false); }

private:
    struct step
    {
        step* before;
        void (*close)(step& self, bool undo) noexcept;
        bool on_heap;
    };

    template <class Undo>
    struct step_of : step
    {
        step_of(step* last, Undo&& how, bool is_new) noexcept
            : step{last, &close_it, is_new}, undo(std::move(how))
        {}

        static void close_it(step& self, bool undo) noexcept
        {
            auto& mine = static_cast<step_of&>(self);
            if (undo)
                mine.undo();
            mine.~step_of();
        }

        Undo undo;
    };

    void close(bool undo) noexcept
    {
        while (last_ != nullptr)
        {
            auto& closed = *last_;
            last_ = closed.before;
            const bool on_heap = closed.on_heap;
            closed.close(closed, undo);
            if (on_heap)
                ::operator delete(&closed);
        }
        used_ = 0;
    }

    static constexpr std::size_t round_up(std::size_t size) noexcept
    {
        constexpr auto unit = alignof(std::max_align_t);
        return (size + unit - 1) / unit * unit;
    }

    step* last_ = nullptr;
    std::size_t used_ = 0;                                  // of the buffer
    alignas(std::max_align_t) unsigned char buffer_[2048];  // NOLINT(*-avoid-c-arrays)
};

/// Puts a value in the place of another.
template <class T>
void replace(undo_log& done, T& place, T by)
{
    // to exchange them once more is to undo it
    auto& exchange = done.add([&place, other = std::move(by)]() mutable noexcept {
        using std::swap;
        swap(place, other);
    });
    exchange();
}

}  // namespace regolo::core
