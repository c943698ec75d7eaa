#pragma once

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace regolo::inline v0::testing {

/// What a model name or `x-simulate` orders; `simulation` says what each means.
enum class fault
{
    none,
    error,
    first_event,
    error_mid_stream,
    cut_mid_stream,
    reset_mid_stream,
    stall_mid_stream,
    no_done,
    no_finish,
    stall,
    close_after,
};

struct fault_order
{
    fault kind = fault::none;
    int status = 0;       // of an error
    std::string variant;  // "html", "budget", or the seconds of retry-after
    bool only_once = false;
};

/// Reads an order; a name that is none yields `fault::none`.
[[nodiscard]] fault_order parse_fault(std::string_view name);

/// A whole error answer.
struct simulated_error
{
    int status = 500;
    std::string body;
    std::string content_type = "application/json";
    std::string headers;  // whole lines
};

[[nodiscard]] simulated_error ordered_error(const fault_order& order);
[[nodiscard]] simulated_error no_key_error();
[[nodiscard]] simulated_error wrong_key_error(std::string_view key);
[[nodiscard]] simulated_error invalid_json_error(std::string_view reason);
[[nodiscard]] simulated_error unknown_model_error(std::string_view path, std::string_view model);
/// A member that is wrong, or missing where the gateway itself says so.
[[nodiscard]] simulated_error bad_request_error(std::string_view message, std::string_view param);
/// A member that the gateway's schema misses, in the "body" or the "query".
[[nodiscard]] simulated_error missing_field_error(std::string_view place, std::string_view name);
[[nodiscard]] simulated_error not_found_error();
[[nodiscard]] simulated_error method_error(std::string_view allowed);

/// The members every request of the route needs.
[[nodiscard]] std::optional<simulated_error> check_members(const boost::json::object& request,
                                                           bool is_chat);

}  // namespace regolo::inline v0::testing
