#pragma once

#include <regolo/account.hpp>
#include <regolo/api_request.hpp>
#include <regolo/call_options.hpp>
#include <regolo/chat.hpp>
#include <regolo/client_config.hpp>
#include <regolo/completion.hpp>
#include <regolo/embedding.hpp>
#include <regolo/image.hpp>
#include <regolo/metadata.hpp>
#include <regolo/model.hpp>
#include <regolo/model_info.hpp>
#include <regolo/rerank.hpp>
#include <regolo/speech.hpp>
#include <regolo/stream_end.hpp>
#include <regolo/token_count.hpp>
#include <regolo/transcription.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <optional>

namespace regolo::inline v0 {

class background;

namespace detail {

template <class Chunk>
struct job_traits;
template <>
struct job_traits<chat_chunk>
{
    using answer = chat_response;
};
template <>
struct job_traits<completion_chunk>
{
    using answer = completion_response;
};

template <class Chunk>
class job_state;

}  // namespace detail

/** A streamed answer that arrives on the thread of a `background`, for programs without coroutines.

    @code
    regolo::background api;
    auto job = api.stream_chat({"Llama-3.3-70B-Instruct", "Tell me something about Rome."});
    while (auto chunk = job.next())                       // a command line: blocks
        std::cout << chunk->text() << std::flush;

    while (auto chunk = job.try_next()) show(chunk->text());   // once per frame: never blocks
    if (job.done()) ...
    @endcode

    A bounded number of chunks waits to be taken. When it is reached, nothing more is read from the connection: a program
    that stops polling stops the server.

    @par Thread safety  `stop()` from any thread; the rest from one thread at a time
    @par Lifetimes      destroying a job stops it; it may outlive its `background`, which ends it
*/
template <class Chunk>
class REGOLO_EXPORT stream_job
{
public:
    using answer_type = typename detail::job_traits<Chunk>::answer;

    stream_job(stream_job&&) noexcept;
    stream_job& operator=(stream_job&&) noexcept;
    ~stream_job();

    /** A chunk that has arrived, without ever waiting. Nothing: none is there now, or none will come any more (`done()`).

        @par Errors  as `client::stream_chat` and `chat_stream::next`, once what came before has been taken, and then
                     at each further call. `stop()` is no error: the job is done.
    */
    [[nodiscard]] std::optional<Chunk> try_next();

    /// The next chunk; blocks until there is one. Nothing at the end. Errors as `try_next`.
    [[nodiscard]] std::optional<Chunk> next();

    /// The same, but waits no longer than `limit`: nothing then, and `done()` tells which.
    [[nodiscard]] std::optional<Chunk> next_for(std::chrono::nanoseconds limit);

    /// All has been taken, and no more will come. After an error not before a call has thrown it, so that a loop until
    /// `done()` cannot miss it.
    [[nodiscard]] bool done() const;

    /** Calls `post` when something has become ready where nothing was, a chunk or the end; at once if something is ready
        now. Meant to wake a user interface, whose loop then calls `try_next` until it gives nothing.

        `post` runs on the background's thread (or on the caller's, at once): it must not block, throw, or destroy the
        `background`. An empty one ends the calls, and so does destroying the job: both wait for one that is running, so that
        none comes afterwards.
    */
    void on_ready(std::function<void()> post);

    /// Ends the answer: the connection closes, and what is being generated is cancelled. From any thread.
    void stop() noexcept;

    /// What has arrived so far, taken or not, also after `stop()` or an error. A copy.
    [[nodiscard]] answer_type partial() const;
    /// What the response head told; empty before it.
    [[nodiscard]] regolo::metadata metadata() const;
    /// How it ended: `closed` after `stop()`.
    [[nodiscard]] stream_end ended_as() const;

private:
    explicit stream_job(std::shared_ptr<detail::job_state<Chunk>> state) noexcept;

    std::shared_ptr<detail::job_state<Chunk>> state_;

    friend class background;
};

using chat_job = stream_job<chat_chunk>;
using completion_job = stream_job<completion_chunk>;

extern template class stream_job<chat_chunk>;
extern template class stream_job<completion_chunk>;

/** A client with a thread of its own, for programs that know nothing of Asio.

    @code
    regolo::background api;                                             // key and URL from the environment
    auto answer = api.chat({"Llama-3.3-70B-Instruct", "Hello"}).get();  // throws regolo::error
    @endcode

    Each call starts at once, and any number of them run at the same time. A whole answer is a `std::future`; a streamed one is
    a job. `call_options::stop` ends either.

    @par Thread safety  every member from any thread
    @par Lifetimes      the destructor ends what is in flight with `errc::client_closed` and joins the thread; not to be
                        destroyed on that thread, which is where `on_ready` functions run
*/
class REGOLO_EXPORT background
{
public:
    /// Chunks of a job that may wait to be taken.
    static constexpr std::size_t max_buffered = 64;

    /// With `client_config::from_environment()`. Throws as `client` does.
    background();
    explicit background(client_config config);
    ~background();
    background(const background&) = delete;
    background& operator=(const background&) = delete;

    [[nodiscard]] chat_job stream_chat(chat_request request, call_options options = {});
    [[nodiscard]] completion_job stream_completion(completion_request request,
                                                   call_options options = {});

    /// Whole answers, as the functions of `client` of the same names. The future's `get()` throws `error`.
    [[nodiscard]] std::future<chat_response> chat(chat_request request, call_options options = {});
    [[nodiscard]] std::future<completion_response> complete(completion_request request,
                                                            call_options options = {});
    [[nodiscard]] std::future<embedding_response> embed(embedding_request request,
                                                        call_options options = {});
    [[nodiscard]] std::future<image_response> generate_images(image_request request,
                                                              call_options options = {});
    [[nodiscard]] std::future<speech_response> speak(speech_request request,
                                                     call_options options = {});
    [[nodiscard]] std::future<transcript> transcribe(transcription_request request,
                                                     call_options options = {});
    [[nodiscard]] std::future<transcript> translate(transcription_request request,
                                                    call_options options = {});
    [[nodiscard]] std::future<rerank_response> rerank(rerank_request request,
                                                      call_options options = {});
    [[nodiscard]] std::future<token_count> count_tokens(token_count_request request,
                                                        call_options options = {});
    [[nodiscard]] std::future<model_list> models(call_options options = {});
    [[nodiscard]] std::future<model_info_list> model_info(call_options options = {});
    [[nodiscard]] std::future<model_group_list> model_groups(call_options options = {});
    [[nodiscard]] std::future<regolo::key_info> key_info(call_options options = {});
    [[nodiscard]] std::future<api_response> request(api_request request, call_options options = {});

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace regolo::inline v0
