#pragma once

#include <regolo/error.hpp>

#include <boost/system/errc.hpp>
#include <boost/system/error_code.hpp>

namespace regolo::net {

/// What std::bad_alloc is told as where nobody could catch it: in a handler, and where a coroutine begins to wait. There it would
/// leave the execution context, and take along whoever waits.
inline boost::system::error_code out_of_memory() noexcept
{
    return boost::system::errc::make_error_code(boost::system::errc::not_enough_memory);
}

/// The same as an error of the library.
inline error_info out_of_memory_info()
{
    error_info info;
    info.code = out_of_memory();
    info.message = "out of memory";
    return info;
}

}  // namespace regolo::net
