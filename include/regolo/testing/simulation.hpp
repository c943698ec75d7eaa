#pragma once

#include <regolo/testing/received_request.hpp>
#include <regolo/testing/script.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace regolo::inline v0::testing {

/// How the simulated API behaves.
struct simulation_options
{
    /// Declared so that this is no aggregate: GCC 12 destroys aggregate temporaries of a co_await expression twice.
    simulation_options() = default;

    /// The one key that is accepted; empty accepts any key and none.
    std::string key = "test-key";

    /// Tokens per second of a stream; zero sends as fast as the client takes them.
    double pace = 0;

    /// How many tokens' events are written at once, as servers do whose clients cannot keep up.
    std::size_t tokens_per_write = 1;

    /// What /v1/models lists and the other routes accept, beside the names that order an error.
    std::vector<std::string> models = {"Llama-3.3-70B-Instruct",
                                       "gpt-oss-120b",
                                       "sim-chat",
                                       "sim-reasoning",
                                       "sim-endless",
                                       "sim-embedding",
                                       "sim-image",
                                       "sim-rerank",
                                       "sim-rerank-old",
                                       "sim-whisper",
                                       "sim-speech",
                                       "Qwen-Image",
                                       "Qwen3-Embedding-8B",
                                       "Qwen3-Reranker-4B",
                                       "faster-whisper-large-v3"};
};

/** An API like the one the library is made for: LiteLLM in front of vLLM, without a model.

    The answer follows from the request alone: the last user text in a fixed sentence; "count to N" counts; one word is one
    token. Names with "reasoning" or "gpt-oss" reason first; "sim-endless" counts until max_tokens or the client stops it.
    Tools are called when tool_choice demands it or the last user text names one.

    The other endpoints take any of the models, and answer from the request as well:
      /v1/embeddings             8 or `dimensions` numbers from the text, which a float holds exactly; both encodings
      /v1/images/generations     a JPEG of one grey point as base64 (a PNG with `output_format` "png"), or a URL
      /v1/rerank                 the score is the share of the query's words that a document has; names ending in "-old"
                                 get the answer of 2025, with `score` and the document as a text
      /v1/audio/transcriptions, /v1/audio/translations
                                 a sentence with the name of the file, as JSON whatever the format; "verbose_json" has
                                 times, "srt" and "vtt" put their text in it
      /v1/audio/speech           a tenth of a second of sound for each word
      /v1/model/info             each model, its kind told by its name; one with `regolo_model_id`
      /model_group/info          the same without a key, token counts as floats
      /utils/token_counter       one word is one token
      /utils/supported_openai_params, /key/info, /user/info, /global/activity, /spend/logs/v2
                                 fixed figures; three spend logs, in pages

    A model name, or the header `x-simulate`, orders a failure (of a GET the header alone):
      error-STATUS                        the gateway's error of that status, e.g. error-401, error-503
      error-STATUS-retry-after-SECONDS    the same with a retry-after header
      error-STATUS-once                   only for the first attempt of a call (told by x-litellm-call-id)
      budget-exceeded                     a 429 that no retry can help
      html-STATUS                         a reverse proxy's page, e.g. html-502
      error-first-event-STATUS[-once]     status 200, then an error as the first event
      error-mid-stream                    an error event after three tokens, no [DONE]
      cut-mid-stream                      FIN after three tokens within the body
      reset-mid-stream                    RST after three tokens
      no-done                             the body ends after the finish reason, without [DONE]
      no-finish                           the body ends cleanly after the tokens, without finish reason and [DONE]
      stall-mid-stream                    silence after three tokens
      stall                               silence instead of an answer
      close-after                         announces keep-alive and closes after the answer
*/
class simulation
{
public:
    explicit simulation(simulation_options options = {});
    ~simulation();

    /// The answer to one request, from its head on.
    [[nodiscard]] script answer(const received_request& request);

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace regolo::inline v0::testing
