#pragma once

#include "client_state.hpp"
#include "prepare.hpp"

#include <regolo/call_options.hpp>

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>

namespace regolo::inline v0::detail {

/// Whether the model of a call is to be looked up in the list, which is that of the client's own server.
bool has_to_check_model(const client_state& client, const call_plan& plan,
                        const call_options& options);

/// Looks it up. Before the call itself, which begins when it is certain to be sent.
/// @throws error  `errc::not_found`, or what the list could not be had for
boost::asio::awaitable<void> check_model(std::shared_ptr<client_state> client, std::string name,
                                         call_options options);

}  // namespace regolo::inline v0::detail
