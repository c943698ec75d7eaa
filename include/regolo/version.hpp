#pragma once

#include <regolo/export.hpp>

#include <string_view>

namespace regolo::inline v0 {

inline constexpr int version_major = 0;
inline constexpr int version_minor = 1;
inline constexpr int version_patch = 0;

/// The version of the compiled library, such as "0.1.0". It may differ from the header's constants
/// when a shared library was replaced.
[[nodiscard]] REGOLO_EXPORT std::string_view version() noexcept;

namespace detail {

struct with_BOOST_ASIO_NO_DEPRECATED;
struct without_BOOST_ASIO_NO_DEPRECATED;

#if defined(BOOST_ASIO_NO_DEPRECATED)
using asio_rules = with_BOOST_ASIO_NO_DEPRECATED;
#else
using asio_rules = without_BOOST_ASIO_NO_DEPRECATED;
#endif

/** Ties a program to the Boost that the library was built with.

    Boost types are part of the interface and their layout changes between versions; and with
    `BOOST_ASIO_NO_DEPRECATED` Asio allocates handlers by another rule. Only the specialisation for the
    library's own Boost is defined in it, so that a program compiled with another one, or with that macro
    where the library was without it, fails at link time, naming its own `boost_abi<...>`, instead of at run time.
*/
template <int BoostVersion, class AsioRules>
struct boost_abi;

template <>
struct boost_abi<BOOST_VERSION, asio_rules>
{
    REGOLO_EXPORT static const char tag;
};

using this_boost_abi = boost_abi<BOOST_VERSION, asio_rules>;

}  // namespace detail
}  // namespace regolo::inline v0
