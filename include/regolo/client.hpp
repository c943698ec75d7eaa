#pragma once

#include <regolo/account.hpp>
#include <regolo/api_request.hpp>
#include <regolo/byte_stream.hpp>
#include <regolo/call_options.hpp>
#include <regolo/chat.hpp>
#include <regolo/client_config.hpp>
#include <regolo/completion.hpp>
#include <regolo/embedding.hpp>
#include <regolo/error.hpp>
#include <regolo/image.hpp>
#include <regolo/model.hpp>
#include <regolo/model_info.hpp>
#include <regolo/rerank.hpp>
#include <regolo/speech.hpp>
#include <regolo/stream.hpp>
#include <regolo/token_count.hpp>
#include <regolo/transcription.hpp>
#include <regolo/version.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/execution_context.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace regolo::inline v0 {

namespace detail {

class client_state;
struct client_access;

}  // namespace detail

struct fan_out_options;

/// Gauges (now) and counters (since the client was made), over all origins.
struct client_stats
{
    std::size_t connections = 0;  ///< open or being opened: the sum of the four that follow
    std::size_t connecting = 0;
    std::size_t in_use = 0;
    std::size_t idle = 0;
    std::size_t draining = 0;  ///< an ended stream whose last bytes are still awaited
    std::size_t waiting = 0;   ///< calls in the queue for a place
    std::size_t calls = 0;     ///< calls and streams that have not ended

    std::uint64_t calls_started = 0;
    std::uint64_t calls_failed = 0;
    std::uint64_t attempts = 0;  ///< requests sent or tried, without stale replays
    std::uint64_t retries = 0;
    std::uint64_t stale_replays = 0;  ///< requests sent again since the reused connection was dead
    std::uint64_t connections_opened = 0;
    std::uint64_t connections_reused = 0;
    std::uint64_t tls_resumed = 0;  ///< handshakes shortened by a session ticket
};

/// A request as it would be sent, for logs and bug reports. The key is masked.
struct REGOLO_EXPORT request_preview
{
    request_preview() = default;

    std::string method;
    std::string url;
    std::vector<header> headers;
    std::string body;

    /// A command line for a POSIX shell, with `$REGOLO_API_KEY` in the place of the key.
    [[nodiscard]] std::string to_curl() const;
};

/** A client of the API.

    A cheap, movable handle on shared state: connections, sessions, look-ups and limits are shared by all
    calls. Make one and keep it.

    @code
    asio::awaitable<void> ask() {
        regolo::client client(co_await asio::this_coro::executor);
        auto answer = co_await client.chat({"Llama-3.3-70B-Instruct", "Tell me something about Rome."});
        std::cout << answer.text() << '\n';
    }
    @endcode

    Every operation is lazy: it starts when it is awaited, copies or moves what it is given, and
    keeps the shared state alive, so that the client may be destroyed meanwhile.

    @par Executor       sockets and timers live on the executor given; results arrive on the caller's
    @par Thread safety  safe from any thread and any executor
    @par Cancellation   terminal; closes the connection of the call and frees its place at once. Answers
                        that were being generated may still be billed.
    @par Errors         operations throw `error`; see `errc`. `try_await` turns that into a value
    @par Lifetimes      must not outlive its execution context; not to be used in a child after `fork`
*/
class REGOLO_EXPORT client
{
public:
    /// With `client_config::from_environment()`.
    /// @throws error  `errc::bad_url` or `errc::bad_config`
    explicit client(boost::asio::any_io_executor executor)
        : client(std::move(executor), client_config::from_environment())
    {}

    /// @throws error  `errc::bad_url` or `errc::bad_config`, also for the files of `tls_options`
    client(boost::asio::any_io_executor executor, client_config config)
        : client(std::move(executor), std::move(config), &detail::this_boost_abi::tag)
    {}

    /// The same on the executor of an execution context, such as an `io_context`.
    template <class ExecutionContext>
    requires std::is_convertible_v<ExecutionContext&, boost::asio::execution_context&>
    explicit client(ExecutionContext& context) : client(context.get_executor()) {}
    template <class ExecutionContext>
    requires std::is_convertible_v<ExecutionContext&, boost::asio::execution_context&> client(
        ExecutionContext& context, client_config config)
        : client(context.get_executor(), std::move(config))
    {}

    /// Closes idle connections; running calls and open streams live on.
    ~client();
    client(client&&) noexcept;
    client& operator=(client&&) noexcept;
    client(const client&) = delete;
    client& operator=(const client&) = delete;

    /// Sends a chat request and returns the whole answer.
    [[nodiscard]] boost::asio::awaitable<chat_response> chat(chat_request request,
                                                             call_options options = {}) const;

    /** Sends a chat request and streams the answer.

        Returns when the response head has arrived and was a success. Until the first chunk has been
        handed out, a failure that the retry policy covers starts a new attempt, also inside `next()`.
    */
    [[nodiscard]] boost::asio::awaitable<chat_stream> stream_chat(chat_request request,
                                                                  call_options options = {}) const;

    /// Sends a text completion request and returns the whole answer.
    [[nodiscard]] boost::asio::awaitable<completion_response> complete(
        completion_request request, call_options options = {}) const;

    /// Sends a text completion request and streams the answer; see `stream_chat`.
    [[nodiscard]] boost::asio::awaitable<completion_stream> stream_completion(
        completion_request request, call_options options = {}) const;

    /// Turns texts into vectors.
    [[nodiscard]] boost::asio::awaitable<embedding_response> embed(embedding_request request,
                                                                   call_options options = {}) const;

    /// Speaks a text.
    [[nodiscard]] boost::asio::awaitable<speech_response> speak(speech_request request,
                                                                call_options options = {}) const;

    /// Speaks a text and gives the bytes as they arrive.
    [[nodiscard]] boost::asio::awaitable<byte_stream> stream_speech(
        speech_request request, call_options options = {}) const;

    /// Writes down what is said in a recording. An answer that comes before the file is sent whole ends the sending.
    [[nodiscard]] boost::asio::awaitable<transcript> transcribe(transcription_request request,
                                                                call_options options = {}) const;

    /** The same, and gives the transcript as it grows, where the server can: the gateway sends it whole at the end, as one
        chunk. See `stream_chat`. */
    [[nodiscard]] boost::asio::awaitable<transcript_stream> stream_transcription(
        transcription_request request, call_options options = {}) const;

    /// The same as `transcribe` in English, whatever the language of the recording.
    [[nodiscard]] boost::asio::awaitable<transcript> translate(transcription_request request,
                                                               call_options options = {}) const;

    /// Makes pictures from a text.
    [[nodiscard]] boost::asio::awaitable<image_response> generate_images(
        image_request request, call_options options = {}) const;

    /// Tells how well each document answers a query.
    [[nodiscard]] boost::asio::awaitable<rerank_response> rerank(rerank_request request,
                                                                 call_options options = {}) const;

    /// Lists the models. Needs no key. Names with a `*` come as well with `return_wildcard_routes` = "true" in
    /// `call_options::query`.
    [[nodiscard]] boost::asio::awaitable<model_list> models(call_options options = {}) const;

    /// What is known about the models: their kind, their prices. One alone with its id as `regolo_model_id` (or
    /// `litellm_model_id`) in `call_options::query`.
    [[nodiscard]] boost::asio::awaitable<model_info_list> model_info(
        call_options options = {}) const;

    /// The same for all deployments of a name together. Needs no key.
    [[nodiscard]] boost::asio::awaitable<model_group_list> model_groups(
        call_options options = {}) const;

    /// Which members a chat request to a model may have. An empty name means `client_config::model`.
    [[nodiscard]] boost::asio::awaitable<regolo::supported_parameters> supported_parameters(
        std::string model, call_options options = {}) const;

    /// Counts the tokens of a prompt or of messages.
    [[nodiscard]] boost::asio::awaitable<token_count> count_tokens(token_count_request request,
                                                                   call_options options = {}) const;

    /// What the key may spend and has spent. The cheapest way to learn whether a key is good.
    [[nodiscard]] boost::asio::awaitable<regolo::key_info> key_info(
        call_options options = {}) const;

    /// Whose key it is, and what he may spend and has spent.
    [[nodiscard]] boost::asio::awaitable<regolo::user_info> user_info(
        call_options options = {}) const;

    /// How many requests there were in that time, and how many tokens.
    [[nodiscard]] boost::asio::awaitable<regolo::activity> activity(
        date_range days, call_options options = {}) const;

    /// What the requests of that time cost, a page of them at a time: `page` and `page_size` in `call_options::query`.
    [[nodiscard]] boost::asio::awaitable<regolo::spend_logs> spend_logs(
        date_range days, call_options options = {}) const;

    /// Sends any request and returns the body of the answer.
    [[nodiscard]] boost::asio::awaitable<api_response> request(api_request request,
                                                               call_options options = {}) const;

    /// Sends any request and streams the events of the answer.
    [[nodiscard]] boost::asio::awaitable<event_stream> stream_request(
        api_request request, call_options options = {}) const;

    /// Sends any request and gives the bytes of the answer as they arrive.
    [[nodiscard]] boost::asio::awaitable<byte_stream> download(api_request request,
                                                               call_options options = {}) const;

    /** Sends many requests, a bounded number of them at a time; see `fan_out_run`, whose header <regolo/fan_out.hpp>
        has to be included.

        @param source   a range of requests (moved in, copied from an lvalue, or a view, which must stay valid); a function that
                        returns `std::optional<Request>`; a function that returns an awaitable of it, or an object with such
                        a `next()`. Nothing ends it; an exception does so too, and reaches the caller.
        @param each     what every call of the run does differently
    */
    template <class Source>
    [[nodiscard]] auto fan_out(Source&& source) const;
    template <class Source>
    [[nodiscard]] auto fan_out(Source&& source, fan_out_options options,
                               call_options each = {}) const;

    /// What a call would send. `stream` shows the form that the streaming call sends.
    /// @throws error  as the call itself would before it touches the network
    [[nodiscard]] request_preview preview(const chat_request& request,
                                          const call_options& options = {},
                                          bool stream = false) const;
    [[nodiscard]] request_preview preview(const completion_request& request,
                                          const call_options& options = {},
                                          bool stream = false) const;
    [[nodiscard]] request_preview preview(const api_request& request,
                                          const call_options& options = {}) const;
    [[nodiscard]] request_preview preview(const embedding_request& request,
                                          const call_options& options = {}) const;
    [[nodiscard]] request_preview preview(const image_request& request,
                                          const call_options& options = {}) const;
    [[nodiscard]] request_preview preview(const speech_request& request,
                                          const call_options& options = {}) const;
    [[nodiscard]] request_preview preview(const rerank_request& request,
                                          const call_options& options = {}) const;
    [[nodiscard]] request_preview preview(const token_count_request& request,
                                          const call_options& options = {}) const;

    [[nodiscard]] client_stats stats() const;

    /// Ends everything at once: what is in flight fails with `errc::client_closed`, and so do later calls.
    void close() const noexcept;

    /** Ends gracefully: new calls fail with `errc::client_closed`, those in flight may finish.

        @param limit  at which the rest is cancelled
        @returns      true when everything finished by itself
        @par Cancellation  stops waiting; the client stays closed for new calls
    */
    [[nodiscard]] boost::asio::awaitable<bool> drain(std::chrono::nanoseconds limit) const;

    [[nodiscard]] boost::asio::any_io_executor get_executor() const noexcept;

private:
    client(boost::asio::any_io_executor executor, client_config config, const char* abi);
    explicit client(std::shared_ptr<detail::client_state> state) noexcept;

    std::shared_ptr<detail::client_state> state_;

    friend struct detail::client_access;
};

}  // namespace regolo::inline v0
