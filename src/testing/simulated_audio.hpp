#pragma once

#include <regolo/testing/received_request.hpp>

#include <boost/json/object.hpp>

#include <optional>
#include <string>

namespace regolo::inline v0::testing {

/// A body and what it is.
struct simulated_media
{
    std::string content_type;
    std::string body;
};

/** The fields of a posted form, repeated ones (`name[]`) as an array; a file as an object with its `filename`, `type`
    and `size`. Nothing where the body is no form. */
[[nodiscard]] std::optional<boost::json::object> read_form(const received_request& request);

}  // namespace regolo::inline v0::testing
