#pragma once

#include <regolo/credential.hpp>
#include <regolo/headers.hpp>
#include <regolo/observer.hpp>
#include <regolo/options.hpp>

#include <memory>
#include <string>
#include <vector>

namespace regolo::inline v0 {

/** Settings of a client. Checked once, when the client is made.

    A default-made configuration knows nothing of the environment; `from_environment` does, and is what a
    client without a configuration uses.
*/
class REGOLO_EXPORT client_config
{
public:
    client_config() = default;
    /// The default URL with this key (not a URL: one given here by mistake is refused).
    explicit client_config(credential api_key) : key(std::move(api_key)) {}

    /** Reads `REGOLO_API_KEY`, `REGOLO_BASE_URL`, `REGOLO_MODEL` and `REGOLO_ALLOW_PLAINTEXT` (1).
        A variable that is blank counts as unset. */
    [[nodiscard]] static client_config from_environment();

    /** Reads the variables of the official Python client as well: `API_KEY`, `LLM` and `REGOLO_URL`, where
        those of `from_environment` are unset. Their names may hold another program's secret, which is why
        this is a function of its own. */
    [[nodiscard]] static client_config from_python_environment();

    /// Scheme, host, optional port and path prefix. "/v1" and a trailing slash may be there or not.
    std::string base_url = "https://api.regolo.ai";
    /// Without a key, a call to the default URL is `errc::no_key`, but for `models()`, which needs none; any other
    /// URL is called without one.
    credential key;
    /// For requests that name no model. Empty: such a request is `errc::invalid_request`.
    std::string model;
    /// Allows `http://` with a key to hosts that are not local by name.
    bool allow_plaintext = false;

    time_limits time;
    retry_policy retry;
    pool_options pool;
    regolo::limits limits;
    tls_options tls;

    /// Sent with every call, after the library's own headers and before those of `call_options`.
    std::vector<header> headers;
    /// Send the call's UUID as `x-litellm-call-id` and `x-client-request-id`.
    bool send_call_id = true;
    /// Sent as `User-Agent`; empty means "regolo-cpp/<version>".
    std::string user_agent;
    /// Shared by copies of the configuration; null for none.
    std::shared_ptr<regolo::observer> observer;
};

}  // namespace regolo::inline v0
