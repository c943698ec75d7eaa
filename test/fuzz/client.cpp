// A whole client over a network in memory: the fuzzer decides what servers send, where it is cut and how it ends, when
// time passes, and what the program does meanwhile. One thread, no real clock: the same input does the same each time.
//
// Input: a byte of settings, a count, so many steps of three bytes, then the answers of the servers, each up to the byte 0xFF.

#include "client_state.hpp"
#include "fuzz.hpp"
#include "literal_answer.hpp"
#include "literal_http.hpp"
#include "memory_network.hpp"
#include "net/dialer.hpp"
#include "support/manual_clock.hpp"

#include <regolo.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/this_coro.hpp>

#include <array>
#include <deque>
#include <exception>
#include <map>

namespace regolo::fuzz {
namespace {

using namespace std::chrono_literals;
using net::error_code;

/// The same numbers in the same order.
class counted_random final : public net::random_source
{
public:
    std::uint64_t next() noexcept override
    {
        return state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    }

private:
    std::uint64_t state_ = 1;
};

/// The network: connections in the order in which they were opened, and what happens to the next ones.
struct network
{
    explicit network(asio::io_context& context) : io(context) {}

    asio::io_context& io;
    std::vector<std::shared_ptr<memory_connection>> connections;
    std::uint64_t exchanges = 0;
    error_code refusal;
    bool stalled = false;
};

class memory_dialer final : public net::dialer
{
public:
    explicit memory_dialer(std::shared_ptr<network> shared) : network_(std::move(shared)) {}

    asio::awaitable<std::unique_ptr<net::byte_stream>> dial(std::shared_ptr<net::scope> owner,
                                                            core::origin, const core::proxy_server*,
                                                            net::dial_progress& progress) override
    {
        progress.where = phase::connect;
        if (network_->stalled)
            co_await owner->sleep_until(owner->timer().now() + std::chrono::hours(24));
        if (network_->refusal)
            throw boost::system::system_error(network_->refusal);
        auto fresh = std::make_shared<memory_connection>(network_->io, network_->exchanges);
        network_->connections.push_back(fresh);
        co_return make_stream(std::move(fresh));
    }

private:
    std::shared_ptr<network> network_;
};

enum class kind : std::uint8_t
{
    chat,
    stream_chat,
    complete,
    stream_completion,
    models,
    request,
    stream_request,
    download,
    transcribe,
    stream_transcription,
    embed,
    chat_as_stream,
    count
};

constexpr bool is_stream_of_chunks(kind what)
{
    return what == kind::stream_chat || what == kind::stream_completion ||
           what == kind::chat_as_stream;
}

/// One operation of the program.
struct call
{
    kind what = kind::chat;
    std::size_t number = 0;
    std::size_t stop_after = 0;  // chunks, after which the stream is dropped; 0: read to its end
    int max_retries = 0;
    std::stop_source stop;
    asio::cancellation_signal signal;
    bool cancelled = false;
    bool by_signal = false;
    bool ended = false;
    bool dropped = false;
    std::string bytes;  // of a download or a raw answer
    std::exception_ptr failure;
};

/// All that the steps act on.
class world
{
public:
    explicit world(std::uint8_t settings);
    ~world();
    world(const world&) = delete;
    world& operator=(const world&) = delete;

    void add_answer(std::string_view bytes) { answers_.emplace_back(bytes); }
    void step(std::uint8_t what, std::uint8_t a, std::uint8_t b);
    void conclude();

private:
    void start(kind what, std::uint8_t options);
    void serve(memory_connection& on, std::size_t size);
    void cancel(call& one);
    void advance(std::chrono::nanoseconds by);
    void poll();
    bool all_ended() const;
    memory_connection* connection(std::size_t number);

    void check_result(const call& one);
    void check_success(const call& one);
    void check_failure(const call& one, const error_info& info);
    const exchange_record* last_exchange(const call& one) const;

    asio::io_context io_{1};
    test::manual_time time_;
    std::chrono::nanoseconds advanced_{};
    client_config config_;
    std::shared_ptr<detail::client_state> state_;
    std::optional<client> client_;
    std::deque<std::string> answers_;
    std::size_t next_answer_ = 0;
    std::shared_ptr<network> network_ = std::make_shared<network>(io_);
    std::map<memory_connection*, std::string> undelivered_;
    std::deque<call> calls_;
    bool closed_ = false;
    bool batch_ = false;
};

client_config make_config(std::uint8_t settings)
{
    client_config config{credential(secret)};
    config.base_url = "http://fuzz.internal";
    config.model = "m";
    config.pool.max_connections = settings % 3U + 1;
    config.time.total = 3000s;
    if ((settings & 4U) != 0)
    {
        config.limits.head = 512;
        config.limits.error_body = 256;
        config.limits.body = 512;
        config.limits.event = 256;
        config.limits.index = 4;
        config.limits.json_depth = 8;
    }
    if ((settings & 8U) != 0)
        config.fail_on.empty = config.fail_on.out_of_tokens = config.fail_on.other_model = true;
    return config;
}

world::world(std::uint8_t settings) : config_(make_config(settings))
{
    detail::client_state::seams outside;
    outside.clock = time_.make_clock();
    outside.random = std::make_shared<counted_random>();
    outside.dial = std::make_shared<memory_dialer>(network_);
    state_ = detail::client_state::make(io_.get_executor(), config_, std::move(outside));
    client_.emplace(detail::client_access::make(state_));
}

// ---- what the program does

chat_request question() { return {"m", "Tell me something about Rome."}; }

template <class Opening>
asio::awaitable<void> read_all(Opening opening, call& one)
{
    auto stream = co_await std::move(opening);
    for (std::size_t count = 1;; ++count)
    {
        auto chunk = co_await stream.next();
        if (!chunk)
            break;
        if constexpr (std::is_same_v<std::decay_t<decltype(*chunk)>, std::string>)
            one.bytes += *chunk;
        if (count == one.stop_after)
        {
            one.dropped = true;
            co_return;
        }
    }
    check(stream.ended_as() == stream_end::done || stream.ended_as() == stream_end::finished,
          "a stream ends without an end");
}

template <class Operation>
asio::awaitable<void> take(Operation operation, call&)
{
    const auto answer = co_await std::move(operation);
    check(answer.metadata.status / 100 == 2, "an answer that is no success");
}

asio::awaitable<void> take_raw(asio::awaitable<api_response> operation, call& one)
{
    auto answer = co_await std::move(operation);
    one.bytes = std::move(answer.body);
}

/// What is awaited has copied all it needs.
asio::awaitable<void> perform(const client& with, call& one, call_options options)
{
    const auto recording = upload::bytes("RIFF0000WAVE", "a.wav");
    switch (one.what)
    {
        case kind::chat:
            return take(with.chat(question(), options), one);
        case kind::chat_as_stream:
            options.as_stream = true;
            return take(with.chat(question(), options), one);
        case kind::stream_chat:
            return read_all(with.stream_chat(question(), options), one);
        case kind::complete:
            return take(with.complete({"m", "Rome"}, options), one);
        case kind::stream_completion:
            return read_all(with.stream_completion({"m", "Rome"}, options), one);
        case kind::models:
            return take(with.models(options), one);
        case kind::request:
            return take_raw(with.request(api_request("GET", "/v1/x"), options), one);
        case kind::stream_request:
            return read_all(with.stream_request(api_request("POST", "/v1/x", "{}"), options), one);
        case kind::download:
            return read_all(with.download(api_request("GET", "/v1/file"), options), one);
        case kind::transcribe:
            return take(with.transcribe({"m", recording}, options), one);
        case kind::stream_transcription:
            return read_all(with.stream_transcription({"m", recording}, options), one);
        default:
            return take(with.embed({"m", "Rome"}, options), one);
    }
}

void world::start(kind what, std::uint8_t options)
{
    if (!client_ || calls_.size() == 8)
        return;
    auto& one = calls_.emplace_back();
    one.what = what;
    one.number = calls_.size() - 1;
    one.stop_after = options & 3U;
    one.max_retries = options >> 2U & 3U;
    call_options with;
    with.max_retries = one.max_retries;
    with.stop = one.stop.get_token();
    with.headers.emplace_back("x-fuzz-call", std::to_string(one.number));
    if ((options & 16U) != 0)
        with.time.total = 40s;
    auto ended = [&one](std::exception_ptr failure) {
        one.ended = true;
        one.failure = std::move(failure);
    };
    asio::co_spawn(io_, perform(*client_, one, std::move(with)),
                   asio::bind_cancellation_slot(one.signal.slot(), std::move(ended)));
}

void world::cancel(call& one)
{
    if (one.ended)
        return;
    one.cancelled = true;
    if (one.number % 2 == 0)
    {
        one.stop.request_stop();
        return;
    }
    one.by_signal = true;
    one.signal.emit(asio::cancellation_type::terminal);
}

// ---- what the servers and the clock do

memory_connection* world::connection(std::size_t number)
{
    return network_->connections.empty()
               ? nullptr
               : network_->connections[number % network_->connections.size()].get();
}

/// An answer for the request that waits, or more of the one that is under way.
void world::serve(memory_connection& on, std::size_t size)
{
    auto& rest = undelivered_[&on];
    if (on.is_asked() && next_answer_ < answers_.size())
    {
        rest += answers_[next_answer_++];
        on.answered();
    }
    size = std::min(size, rest.size());
    on.deliver(std::string_view(rest).substr(0, size));
    rest.erase(0, size);
}

void world::advance(std::chrono::nanoseconds by)
{
    advanced_ += by;
    time_.advance(by);
}

void world::poll()
{
    if (io_.stopped())
        io_.restart();
    io_.poll();
}

void world::step(std::uint8_t what, std::uint8_t a, std::uint8_t b)
{
    static constexpr auto times = std::to_array<std::chrono::nanoseconds>(
        {1ms, 10ms, 100ms, 600ms, 2s, 4s, 11s, 31s, 61s, 121s, 601s});
    auto* const on = connection(a);
    switch (what % 14U)
    {
        case 0:
            start(static_cast<kind>(a % static_cast<unsigned>(kind::count)), b);
            break;
        case 1:
            if (on != nullptr)
                serve(*on, std::string::npos);
            break;
        case 2:
            if (on != nullptr)
                serve(*on, b);
            break;
        case 3:
            if (on != nullptr)
                on->end(b % 3 == 0   ? error_code(asio::error::eof)
                        : b % 3 == 1 ? error_code(asio::error::connection_reset)
                                     : error_code(asio::ssl::error::stream_truncated));
            break;
        case 4:
            advance(times.at(a % times.size()));
            break;
        case 5:
            if (!calls_.empty())
                cancel(calls_[a % calls_.size()]);
            break;
        case 6:
            if (client_)
                client_->close();
            closed_ = true;
            break;
        case 7:
            client_.reset();
            break;
        case 8:
            if (on != nullptr)
                on->take_writes(b % 3 == 0   ? memory_connection::writing::all
                                : b % 3 == 1 ? memory_connection::writing::little
                                             : memory_connection::writing::stalled);
            break;
        case 9:
            network_->refusal =
                b % 3 == 1 ? error_code(asio::error::connection_refused) : error_code();
            network_->stalled = b % 3 == 2;
            break;
        case 10:
            batch_ = !batch_;
            break;
        case 11:
            if (io_.stopped())
                io_.restart();
            for (unsigned i = 0; i < b % 8U; ++i)
                io_.poll_one();
            return;
        case 12:
            for (auto& each : network_->connections)
                serve(*each, std::string::npos);
            break;
        default:
            break;
    }
    if (!batch_)
        poll();
}

bool world::all_ended() const
{
    return std::all_of(calls_.begin(), calls_.end(), [](const call& one) { return one.ended; });
}

/// Whatever happened, everything comes to an end, and nothing is left behind.
void world::conclude()
{
    poll();
    for (auto& each : network_->connections)
    {
        each->take_writes(memory_connection::writing::all);
        serve(*each, std::string::npos);
    }
    poll();
    for (int i = 0; i < 60 && !all_ended(); ++i)
    {
        advance(100s);
        poll();
    }
    check(all_ended(), "a call does not end, though all of its time is over");
    for (const auto& one : calls_)
        check_result(one);

    if (client_)
        client_->close();
    advance(10s);
    poll();
    const auto left = state_->stats();
    check(left.calls == 0, "calls are left");
    check(left.connections + left.connecting + left.in_use + left.idle + left.draining == 0,
          "connections are left");
    check(left.waiting == 0, "somebody waits for a place");
    for (const auto& each : network_->connections)
        check(!each->is_open(), "a connection was not closed");
    client_.reset();
    const std::weak_ptr<detail::client_state> watched = state_;
    state_.reset();
    advance(10s);
    poll();
    check(io_.stopped(), "work is left");
    check(watched.expired(), "the client lives on");
}

world::~world() = default;

// ---- what must hold for a result

const exchange_record* world::last_exchange(const call& one) const
{
    const exchange_record* last = nullptr;
    for (const auto& each : network_->connections)
        for (const auto& exchange : each->exchanges())
            if (exchange.call == one.number && (last == nullptr || exchange.order > last->order))
                last = &exchange;
    return last;
}

/// By the bytes alone that the client has read: the answer was whole.
void world::check_success(const call& one)
{
    const auto* exchange = last_exchange(one);
    check(exchange != nullptr, "an answer out of nothing");
    const auto head = read_head(exchange->delivered);
    check(head.has_value(), "an answer without a head");
    check(head->status / 100 == 2, "an answer that is no success");
    const auto coding = head->field("content-encoding");
    check(!coding || coding->empty() || *coding == "identity" || one.what == kind::download ||
              one.what == kind::request,
          "an answer in a coding that nobody asked for");
    if (one.dropped)
        return;
    const auto body = read_body(*head, exchange->closed);
    if (is_stream_of_chunks(one.what))
    {
        // [DONE] is the end, whatever the framing says
        const bool marked = head->body.find("[DONE]") != std::string_view::npos;
        check(body.has_value() || marked, "a stream that breaks off is a success");
        if (body)
            check(may_be_whole(*body), "success, though a literal reading finds no end");
        return;
    }
    if (one.what == kind::stream_request || one.what == kind::stream_transcription)
    {
        check(body.has_value() || head->body.find("[DONE]") != std::string_view::npos,
              "a stream that breaks off is a success");
        return;
    }
    check(body.has_value(), "an answer that breaks off is a success");
    if (one.what == kind::download || one.what == kind::request)
        check_equal(one.bytes, *body, "other bytes than the server's");
    if (one.what != kind::download)
        check(body->size() <= config_.limits.body, "a body above the limit is let through");
    if (one.what != kind::download && one.what != kind::request && one.what != kind::transcribe)
        check(is_balanced(*body), "an answer is cut");
}

bool is_timeout(errc code)
{
    return code >= errc::queue_timeout && code <= errc::deadline_exceeded;
}

void world::check_failure(const call& one, const error_info& info)
{
    check(!info.message.empty(), "a failure without a message");
    const auto& code = info.code;
    check(static_cast<bool>(code), "a failure without a code");
    check(info.attempts <= one.max_retries + 1, "more attempts than were allowed");
    if (code == asio::error::operation_aborted)
    {
        check(one.cancelled, "aborted, though nobody cancelled it");
        return;
    }
    if (code.category() != error_category())
    {
        const bool known = code == asio::error::connection_refused ||
                           code == asio::error::connection_reset || code == asio::error::eof ||
                           code == asio::error::broken_pipe ||
                           code == asio::ssl::error::stream_truncated;
        check(known, "a code that nobody gave: " + code.message());
        return;
    }
    const auto ours = static_cast<errc>(code.value());
    check(to_string(ours) != "unknown", "a code that nobody knows");
    if (ours == errc::client_closed)
        check(closed_, "the client was not closed");
    if (is_timeout(ours))
        check(advanced_ >= 1s, "a time limit before its time");
    if (ours == errc::head_timeout || ours == errc::queue_timeout)
        check(advanced_ >= 600s, "a time limit before its time");
    // the refusal of an error body that is above its limit comes before it was read
    const auto* exchange = last_exchange(one);
    const auto head = exchange == nullptr ? std::nullopt : read_head(exchange->delivered);
    if (head && head->status >= 300 && !head->field("transfer-encoding"))
        check(head->body.size() <= config_.limits.error_body + 1024,
              "more of an error is read than its limit allows");
}

void world::check_result(const call& one)
{
    if (!one.failure)
        return check_success(one);
    try
    {
        std::rethrow_exception(one.failure);
    }
    catch (const error& failure)
    {
        check(std::string_view(failure.what()).find(secret) == std::string_view::npos &&
                  failure.info().server_message.find(secret) == std::string::npos,
              "the key is shown");
        check(failure.what()[0] != '\0', "a failure without a text");
        check_failure(one, failure.info());
    }
    catch (const boost::system::system_error& failure)
    {
        // Asio's own, where the coroutine of the program is what was cancelled
        check(one.by_signal && failure.code() == asio::error::operation_aborted,
              "a failure that is no regolo::error");
    }
}

void run(std::string_view bytes)
{
    input in(bytes);
    world all(in.byte());
    const auto steps = std::min<std::size_t>(in.byte(), 64);
    std::vector<std::array<std::uint8_t, 3>> plan;
    for (std::size_t i = 0; i < steps && !in.empty(); ++i)
    {
        const auto what = in.byte();
        const auto a = in.byte();
        plan.push_back({what, a, in.byte()});
    }
    while (!in.empty())
        all.add_answer(with_secret(in.until('\xFF')));
    for (const auto& [what, a, b] : plan)
        all.step(what, a, b);
    all.conclude();
}

const target registered("client", run);

}  // namespace
}  // namespace regolo::fuzz
