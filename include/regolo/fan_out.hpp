#pragma once

#include <regolo/api_request.hpp>
#include <regolo/call_options.hpp>
#include <regolo/chat.hpp>
#include <regolo/client.hpp>
#include <regolo/completion.hpp>
#include <regolo/embedding.hpp>
#include <regolo/error.hpp>
#include <regolo/image.hpp>
#include <regolo/metadata.hpp>
#include <regolo/rerank.hpp>

#include <boost/asio/awaitable.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

namespace regolo::inline v0 {

/// In which order `fan_out_run::next` hands results out.
enum class fan_out_order
{
    completion,  ///< as they come
    input,       ///< as the requests came; a slow one holds those behind it back
};

/** Whether an error tells that the rest of a run would fail as well: the default of `fan_out_options::stop_when`.

    True for a missing or refused key, a used-up budget or quota, a refused certificate or TLS, a configuration that cannot be
    used, a closed client, a passed deadline (which is the same for all) and a cancellation.
*/
[[nodiscard]] REGOLO_EXPORT bool ends_fan_out(const error_info& failure);

/** How a fan-out runs. An aggregate, so that `{.max_in_flight = 16}` works.

    @par Example
    @code
    auto answers = client.fan_out(std::move(prompts), {.max_in_flight = 16, .max_retries = 2});
    @endcode
*/
struct fan_out_options
{
    /// Requests that run at the same time, at least 1. Fewer where the server refuses (429, 503) some of them.
    std::size_t max_in_flight = 64;
    /// Finished results that may wait to be taken. Further ones keep their place among `max_in_flight`, so that at most
    /// `max_in_flight + max_buffered` requests are between the source and `next()`.
    std::size_t max_buffered = 64;
    fan_out_order order = fan_out_order::completion;
    /// Attempts of a request after its first, unless the `call_options` of the run say how often; the delays are those
    /// of `client_config::retry`.
    int max_retries = 6;
    /// Asked about each failure, one at a time, on the client's executor, until the run is destroyed. True ends the run: nothing more is taken from
    /// the source, and what has never been sent comes back as `errc::not_started`. Empty: only the source ends it.
    std::function<bool(const error_info&)> stop_when = ends_fan_out;
};

namespace detail {

template <class Request>
struct answer_to;
template <>
struct answer_to<chat_request>
{
    using type = chat_response;
};
template <>
struct answer_to<completion_request>
{
    using type = completion_response;
};
template <>
struct answer_to<embedding_request>
{
    using type = embedding_response;
};
template <>
struct answer_to<image_request>
{
    using type = image_response;
};
template <>
struct answer_to<rerank_request>
{
    using type = rerank_response;
};
template <>
struct answer_to<api_request>
{
    using type = api_response;
};

template <class Request>
class fan_out_state;

}  // namespace detail

/// Anything that a client can send.
template <class T>
concept sendable = requires
{
    typename detail::answer_to<T>::type;
};

/// One request of a fan-out with what became of it.
template <sendable Request>
struct fan_out_result
{
    using answer_type = typename detail::answer_to<Request>::type;

    fan_out_result() = default;

    std::size_t index = 0;  ///< of the request, in the order of the source
    Request request;        ///< as it came from the source
    regolo::result<answer_type> result{answer_type()};

    /// Of the answer or of the error. A copy.
    [[nodiscard]] regolo::metadata metadata() const
    {
        return result.has_value() ? result->metadata : result.error().metadata;
    }
};

/// Where a run stands. Counts since its start, except for `running`.
struct REGOLO_EXPORT fan_out_progress
{
    fan_out_progress() = default;

    std::size_t pulled = 0;  ///< taken from the source
    std::size_t running =
        0;  ///< pulled, and neither answered nor failed: sent, or waiting to be sent (again)
    std::size_t done = 0;    ///< answered or failed
    std::size_t failed = 0;  ///< of those done

    struct failures
    {
        failures() = default;

        boost::system::error_code code;
        std::size_t count = 0;
    };
    std::vector<failures> failed_by_code;  ///< the most frequent first

    std::int64_t prompt_tokens = 0;  ///< as far as the answers told
    std::int64_t completion_tokens = 0;
    double cost = 0;  ///< as far as the answers told (`metadata::cost`)
};

namespace detail {

/// Where the requests of a run come from: one of the two is set.
template <class Request>
struct request_source
{
    request_source() = default;

    using request_type = Request;

    std::function<std::optional<Request>()> pull;
    std::function<boost::asio::awaitable<std::optional<Request>>()> pull_async;
};

template <class T>
struct optional_value
{};
template <class T>
struct optional_value<std::optional<T>>
{
    using type = T;
};

template <class T>
struct awaited
{};
template <class T, class Executor>
struct awaited<boost::asio::awaitable<T, Executor>>
{
    using type = T;
};

template <class T>
concept optional_request = sendable<typename optional_value<T>::type>;
template <class T>
concept awaitable_request = optional_request<typename awaited<T>::type>;

template <class T>
concept request_range = std::ranges::input_range<T&> && sendable<std::ranges::range_value_t<T&>>;
template <class T>
concept request_generator = requires(T& source)
{
    {
        source.next()
        } -> awaitable_request;
};
template <class T>
concept request_function = std::invocable<T&> && optional_request<std::invoke_result_t<T&>>;
template <class T>
concept async_request_function = std::invocable<T&> && awaitable_request<std::invoke_result_t<T&>>;

/// A range and how far it has been read. It begins with the first request.
template <class Range>
class range_reader
{
public:
    explicit range_reader(Range range) : range_(std::move(range)) {}

    std::optional<std::ranges::range_value_t<Range&>> operator()()
    {
        if (!at_)
            at_.emplace(std::ranges::begin(range_));
        else if (*at_ != std::ranges::end(range_))
            ++*at_;
        if (*at_ == std::ranges::end(range_))
            return std::nullopt;
        // A view's elements are somebody else's.
        if constexpr (std::ranges::view<Range>)
            return **at_;
        else
            return std::ranges::iter_move(*at_);
    }

private:
    Range range_;
    std::optional<std::ranges::iterator_t<Range&>> at_;
};

template <class Source>
auto make_source(Source&& given)
{
    using kind = std::remove_cvref_t<Source>;
    if constexpr (request_range<kind>)
    {
        request_source<std::ranges::range_value_t<kind&>> source;
        source.pull = [reader = std::make_shared<range_reader<kind>>(
                           kind(std::forward<Source>(given)))] { return (*reader)(); };
        return source;
    }
    else
    {
        // Held by pointer, so that what can only be moved will do.
        auto held = std::make_shared<kind>(std::forward<Source>(given));
        if constexpr (request_generator<kind>)
        {
            using optional = typename awaited<decltype(held->next())>::type;
            request_source<typename optional_value<optional>::type> source;
            source.pull_async = [held] { return held->next(); };
            return source;
        }
        else if constexpr (async_request_function<kind>)
        {
            using optional = typename awaited<std::invoke_result_t<kind&>>::type;
            request_source<typename optional_value<optional>::type> source;
            source.pull_async = [held] { return (*held)(); };
            return source;
        }
        else
        {
            request_source<typename optional_value<std::invoke_result_t<kind&>>::type> source;
            source.pull = [held] { return (*held)(); };
            return source;
        }
    }
}

}  // namespace detail

/// What `client::fan_out` takes requests from.
template <class T>
concept fan_out_source = detail::request_range<std::remove_cvref_t<T>> ||
    detail::request_generator<std::remove_cvref_t<T>> ||
    detail::request_function<std::remove_cvref_t<T>> ||
    detail::async_request_function<std::remove_cvref_t<T>>;

/** A run of many requests, a bounded number of them at a time.

    @code
    auto answers = client.fan_out(std::move(prompts), {.max_in_flight = 64});
    while (auto done = co_await answers.next())
        if (done->result) use(done->index, done->result->text());
        else              log(done->index, done->result.error());
    @endcode

    It starts with the first `next()`, and goes on by itself until `max_buffered` results wait to be taken. A 429 or 503
    pauses the starts of the whole run as long as the server asks for, and lowers the number of requests that run at
    once to what the server has shown to take; requests that wait meanwhile lose no attempt.

    @par Executor       requests are pulled, one at a time, on the client's executor; results arrive on the caller's
    @par Thread safety  one caller of `next()` at a time; a second one fails with `errc::operation_in_progress`.
                        `progress()`, `stop()` and destruction from any thread
    @par Cancellation   cancelling a `next()` ends the wait alone; destroying the run cancels all that is in flight
    @par Lifetimes      may outlive its client, not the client's execution context
*/
template <sendable Request>
class REGOLO_EXPORT fan_out_run
{
public:
    using request_type = Request;
    using result_type = fan_out_result<Request>;

    fan_out_run(fan_out_run&&) noexcept;
    fan_out_run& operator=(fan_out_run&&) noexcept;
    ~fan_out_run();

    /** The next result, or nothing when all have been handed out.

        A request that failed is a result. Throws, once what was in flight has been handed out, what the source has thrown;
        `error` with `errc::context_stopped` when the client's context has stopped.
    */
    [[nodiscard]] boost::asio::awaitable<std::optional<result_type>> next() &;
    /// A run that nobody holds would end at once.
    boost::asio::awaitable<std::optional<result_type>> next() && = delete;

    [[nodiscard]] fan_out_progress progress() const;

    /// Ends the run as `fan_out_options::stop_when` does: what is in flight finishes, what was never sent comes back as
    /// `errc::not_started`, and what waits for its next attempt ends with the error of its last one.
    void stop() noexcept;

private:
    fan_out_run(std::shared_ptr<detail::client_state> client,
                detail::request_source<Request> source, fan_out_options options, call_options each);

    std::shared_ptr<detail::fan_out_state<Request>> state_;

    friend class client;
};

template <class Source>
auto client::fan_out(Source&& source, fan_out_options options, call_options each) const
{
    static_assert(regolo::fan_out_source<Source>,
                  "the source of a fan-out is a range of requests, a function that returns "
                  "std::optional<Request> or an awaitable of it, or an object with such a next()");
    auto made = detail::make_source(std::forward<Source>(source));
    using request = typename decltype(made)::request_type;
    return fan_out_run<request>(state_, std::move(made), std::move(options), std::move(each));
}

template <class Source>
auto client::fan_out(Source&& source) const
{
    return fan_out(std::forward<Source>(source), fan_out_options());
}

extern template class fan_out_run<chat_request>;
extern template class fan_out_run<completion_request>;
extern template class fan_out_run<embedding_request>;
extern template class fan_out_run<image_request>;
extern template class fan_out_run<rerank_request>;
extern template class fan_out_run<api_request>;

}  // namespace regolo::inline v0
