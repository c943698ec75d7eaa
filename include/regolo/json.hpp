#pragma once

#include <regolo/error.hpp>

#include <boost/json/value.hpp>

namespace regolo::inline v0 {

/** Reads a value of the API from JSON.

    Specialised for each type next to it, with an overload `to_json(const T&)` for the way back;
    decode, encode, decode gives the same value. Unknown members land in `extra`, absent and null are
    the same, and a member of the wrong type is `errc::bad_response` with its path in the text.
*/
template <class T>
result<T> from_json(const boost::json::value& json) = delete;

/// An error as JSON, for logs and tests: `{"code", "category", "message", "where", ...}`. Holds no key.
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const error_info& info);
template <>
REGOLO_EXPORT result<error_info> from_json<error_info>(const boost::json::value& json);

}  // namespace regolo::inline v0
