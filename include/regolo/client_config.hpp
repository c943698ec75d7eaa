#pragma once

#include <regolo/answer_doubts.hpp>
#include <regolo/credential.hpp>
#include <regolo/headers.hpp>
#include <regolo/observer.hpp>
#include <regolo/options.hpp>

#include <memory>
#include <string>
#include <vector>

namespace regolo::inline v0 {

/// The models of requests that name none, by kind. Empty: such a request is `errc::invalid_request`.
struct default_models
{
    default_models() = default;

    std::string embedding;
    std::string image;
    std::string speech;
    std::string transcription;  ///< translations, too
    std::string rerank;
};

/** The paths of the endpoints, for gateways that have others. They are joined to the base URL as those of `api_request`
    are. */
struct endpoint_paths
{
    endpoint_paths() = default;

    std::string chat = "/v1/chat/completions";
    std::string completions = "/v1/completions";
    std::string embeddings = "/v1/embeddings";
    std::string images = "/v1/images/generations";
    std::string speech = "/v1/audio/speech";
    std::string transcriptions = "/v1/audio/transcriptions";
    std::string translations = "/v1/audio/translations";
    std::string rerank = "/v1/rerank";
};

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

    /** Reads `REGOLO_API_KEY`, `REGOLO_BASE_URL`, `REGOLO_MODEL` and `REGOLO_ALLOW_PLAINTEXT` (1), and for `proxy` the
        variables that other programs read, too: `https_proxy`, `http_proxy`, `all_proxy` (for both) and `no_proxy`, each
        also in capitals, of which the small ones win. `HTTP_PROXY` is passed over in a CGI program (where
        `REQUEST_METHOD` is set), since a client of it could set that one. A variable that is blank counts as unset. */
    [[nodiscard]] static client_config from_environment();

    /** Reads the variables of the official Python client as well, where those of `from_environment` are unset: `API_KEY`,
        `REGOLO_URL`, the models `LLM`, `IMAGE_GENERATION_MODEL`, `EMBEDDER_MODEL` and `AUDIO_TRANSCRIPTION_MODEL`, and the
        paths `CHAT_COMPLETIONS_URL_PATH`, `COMPLETIONS_URL_PATH`, `EMBEDDINGS_URL_PATH`, `IMAGE_GENERATION_URL_PATH`,
        `AUDIO_TRANSCRIPTION_URL_PATH` and `RERANK_URL_PATH`. Some of these names may hold another program's secret,
        which is why this is a function of its own. */
    [[nodiscard]] static client_config from_python_environment();

    /// Scheme, host, optional port and path prefix. "/v1" and a trailing slash may be there or not.
    std::string base_url = "https://api.regolo.ai";
    /// Without a key, a call to the default URL is `errc::no_key`, but for `models()` and `model_groups()`, which need none; any other
    /// URL is called without one.
    credential key;
    /// For chat and completion requests that name no model. Empty: such a request is `errc::invalid_request`.
    std::string model;
    default_models models;
    /// Look each model up in the server's list before a request goes to it: a name that is not there is `errc::not_found`, with
    /// those that are. The list is kept for five minutes.
    bool check_models = false;
    endpoint_paths paths;
    /// Allows `http://` with a key to hosts that are not local by name.
    bool allow_plaintext = false;

    time_limits time;
    retry_policy retry;
    pool_options pool;
    regolo::limits limits;
    tls_options tls;
    /// Taken from the environment by `from_environment`; by default none.
    proxy_options proxy;
    /** Which doubts about a chat or completion answer are errors; by default none. An answer that was read whole fails
        with the error instead, which has its text as `partial_text`; a stream throws it where it would have ended.

        An empty answer is asked for again as the retry policy says, as long as nothing of it has been handed out. For that
        a stream holds chunks that say nothing (a role, a finish reason) back until one does, at most 64 of them. */
    answer_doubts fail_on;

    /// Sent with every call, before those of `call_options`; `Authorization`, `x-api-key`, `Cookie` only to `base_url`.
    std::vector<header> headers;
    /// Send the call's UUID as `x-litellm-call-id` and `x-client-request-id`.
    bool send_call_id = true;
    /// Sent as `User-Agent`; empty means "regolo-cpp/<version>".
    std::string user_agent;
    /// Shared by copies of the configuration; null for none.
    std::shared_ptr<regolo::observer> observer;
};

}  // namespace regolo::inline v0
