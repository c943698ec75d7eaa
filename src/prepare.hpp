#pragma once

#include "client_state.hpp"
#include "core/base_url.hpp"
#include "core/http_message.hpp"
#include "core/kept_failure.hpp"
#include "net/outgoing_body.hpp"

#include <regolo/call_options.hpp>
#include <regolo/credential.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace regolo::inline v0::detail {

/// What an operation asks of a call.
struct call_plan
{
    std::string_view operation;  // as in call_event
    std::string method = "POST";
    std::string path;
    std::string model;  // asked for, for events
    net::outgoing_body body;
    core::kept_failure refused;  // why it cannot be encoded
    std::string content_type = "application/json";
    std::string_view accept = "application/json";
    bool stream = false;
    bool needs_key = true;
};

/// A request put together from a plan, the configuration and the options of the call, whose texts it views. The key is not
/// in it.
struct prepared_request
{
    core::base_url url;
    core::http_request message;
    net::outgoing_body body;
    std::shared_ptr<credential::state> key;  // null: none is sent
};

/// @throws error  with `phase::prepare`
prepared_request prepare(const client_state& client, const call_plan& plan,
                         const call_options& options, const std::string& call_id);

/// That of the client, with what the options of the call change.
retry_policy effective_policy(const client_config& config, const call_options& options);

}  // namespace regolo::inline v0::detail
