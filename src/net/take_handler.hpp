#pragma once

namespace regolo::net {

/// Moves a handler out and leaves none. Boost 1.81's move assignment of `any_completion_handler` wraps its argument in
/// another handler, and dereferences a null one; construction and `swap` are right.
template <class Handler>
Handler take_handler(Handler& from)
{
    Handler taken;
    taken.swap(from);
    return taken;
}

}  // namespace regolo::net
