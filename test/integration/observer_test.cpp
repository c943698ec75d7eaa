// What an observer written by a user is told, event by event.

#include <regolo.hpp>
#include <regolo/testing/run.hpp>
#include <regolo/testing/test_server.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace asio = boost::asio;
namespace json = boost::json;

namespace regolo::test {

using namespace regolo::testing;

namespace {

using namespace std::chrono_literals;

// None of these may be in an event.
constexpr std::string_view key = "hidden-key-of-the-caller";
constexpr std::string_view prompt = "hidden prompt";
constexpr std::string_view spoken = "hidden answer";
constexpr std::string_view complaint = "hidden words of the server";

using lines = std::vector<std::string>;

/// Notes each event as a short line, per call, and all text that it was given.
class recorder final : public observer
{
public:
    std::function<void()> on_reuse;

    void call_started(const call_event& call) noexcept override
    {
        note(call, "started " + std::string(call.operation) + (call.stream ? " stream" : ""));
    }
    void queued(const call_event& call) noexcept override { note(call, "queued"); }
    void connection_acquired(const call_event& call,
                             const connection_event& connection) noexcept override
    {
        note(call, connection.reused ? "reused" : "connected");
        if (connection.reused && on_reuse)
            std::exchange(on_reuse, nullptr)();
        const std::lock_guard lock(mutex_);
        connections.push_back(connection);
    }
    void request_sent(const call_event& call, const request_event& request) noexcept override
    {
        note(call, request.body_bytes == 0 ? "sent without body" : "sent");
        const std::lock_guard lock(mutex_);
        EXPECT_FALSE(connections.empty());
        sent_on.push_back(request.connection_id);
    }
    void head_received(const call_event& call, const metadata& answer) noexcept override
    {
        note(call, "head " + std::to_string(answer.status));
        note_text(answer);
        EXPECT_EQ(answer.call_id, call.call_id);
        EXPECT_EQ(answer.attempts, call.attempt);
        EXPECT_TRUE(answer.timings.head);
    }
    void first_event(const call_event& call, const first_event_info& event) noexcept override
    {
        note(call, "first event");
        EXPECT_GE(event.since_start, event.since_head);
    }
    void retry_planned(const call_event& call, const retry_event& retry) noexcept override
    {
        note(call, retry.stale_connection
                       ? "stale"
                       : "retry after " + std::to_string(retry.reason.http_status));
        note_text(retry.reason);
        EXPECT_EQ(retry.reason.call_id, call.call_id);
    }
    void call_ended(const call_event& call, const end_event& end) noexcept override
    {
        std::string line = "ended";
        if (end.dropped)
            line += " dropped";
        else if (end.error)
            line += " failed";
        note(call, line);
        if (end.error)
            note_text(*end.error);
        EXPECT_EQ(end.error != nullptr || end.dropped, end.code.failed());
        EXPECT_GT(end.duration.count(), 0);
        const std::lock_guard lock(mutex_);
        text += std::string(end.finish_reason) + ' ' + std::string(end.model_served) + '\n';
        last_end = end;
        last_end.finish_reason = last_end.model_served = {};
        last_end.error = nullptr;
        last_finish_reason = end.finish_reason;
        last_model = end.model_served;
        if (end.usage)
            last_usage = *end.usage;
        last_end.usage = nullptr;
    }
    void connection_closed(const close_event& connection) noexcept override
    {
        const std::lock_guard lock(mutex_);
        closings.emplace_back(to_string(connection.reason));
        text += std::string(connection.origin) + '\n';
        exchanges += connection.exchanges;
    }

    /// The events of the call with that id.
    lines of(const std::string& id)
    {
        const std::lock_guard lock(mutex_);
        return calls[id];
    }

    // Read when nothing runs any more.
    std::map<std::string, lines> calls;
    std::vector<int> attempts;  // of each event
    std::vector<connection_event> connections;
    std::vector<std::uint64_t> sent_on;
    lines closings;
    std::uint64_t exchanges = 0;
    std::string text;
    end_event last_end;
    std::string last_finish_reason;
    std::string last_model;
    std::optional<usage> last_usage;
    std::shared_ptr<void> context;  // which each event must carry

private:
    void note(const call_event& call, std::string line)
    {
        const std::lock_guard lock(mutex_);
        ASSERT_NE(call.context, nullptr);
        EXPECT_EQ(*call.context, context);
        EXPECT_EQ(call.server_address, "127.0.0.1");
        EXPECT_NE(call.server_port, 0);
        calls[std::string(call.call_id)].push_back(std::move(line));
        attempts.push_back(call.attempt);
        for (const auto part : {call.call_id, call.operation, call.path, call.model})
            text += std::string(part) + '\n';
    }
    void note_text(const metadata& answer)
    {
        const std::lock_guard lock(mutex_);
        for (const auto& field : answer.headers)
            text += field.name + ": " + field.value + '\n';
        text += answer.request_id + '\n' + answer.model + '\n';
    }
    void note_text(const error_info& info)
    {
        {
            const std::lock_guard lock(mutex_);
            text += json::serialize(to_json(info)) + '\n' + describe(info) + '\n' +
                    info.server_message + info.partial_text + '\n';
        }
        note_text(info.metadata);
    }

    std::mutex mutex_;
};

// ---- answers

std::string chunk(std::string_view text, std::string_view finish = {})
{
    json::object choice{{"index", 0}, {"delta", {{"content", text}}}, {"finish_reason", nullptr}};
    if (!finish.empty())
        choice["finish_reason"] = finish;
    return json::serialize(json::object{
        {"id", "c"}, {"model", "served-model"}, {"choices", json::array{std::move(choice)}}});
}

std::string answer_body()
{
    return json::serialize(json::object{
        {"id", "c"},
        {"model", "served-model"},
        {"choices",
         json::array{json::object{{"index", 0},
                                  {"message", {{"role", "assistant"}, {"content", spoken}}},
                                  {"finish_reason", "stop"}}}},
        {"usage", {{"prompt_tokens", 3}, {"completion_tokens", 4}, {"total_tokens", 7}}}});
}

script good_answer(std::string_view more_headers = {})
{
    return script().expect_request().respond(200, "application/json", answer_body(), more_headers);
}

script good_stream()
{
    return script()
        .expect_request()
        .start_stream()
        .event(chunk(spoken))
        .event(chunk(" more", "stop"))
        .event("[DONE]")
        .end_stream();
}

std::string error_body(std::string_view code)
{
    const auto message =
        std::string(complaint) + ", as " + std::string(prompt) + " by " + std::string(key);
    return json::serialize(json::object{
        {"error",
         {{"message", message}, {"type", "some_error"}, {"param", prompt}, {"code", code}}}});
}

script failure(int status, std::string_view code = "some_code")
{
    return script().expect_request().respond(status, "application/json", error_body(code));
}

chat_request question() { return {"asked-model", prompt}; }

class ObserverEvents : public ::testing::TestWithParam<bool>
{
protected:
    ObserverEvents() : server_(GetParam() ? server_options::https() : server_options::plain())
    {
        seen_->context = std::make_shared<int>(7);
        config_.base_url = server_.url();
        config_.key = credential(key);
        config_.tls.ca_pem = server_.ca_pem();
        config_.retry.initial_delay = 1ms;
        config_.observer = seen_;
    }

    void TearDown() override
    {
        for (const auto& hidden : {key, prompt, spoken, complaint})
            EXPECT_EQ(seen_->text.find(hidden), std::string::npos) << seen_->text;
        for (const auto& [id, events] : seen_->calls)
        {
            ASSERT_FALSE(events.empty());
            EXPECT_EQ(events.front().compare(0, 7, "started"), 0);
            EXPECT_EQ(events.back().compare(0, 5, "ended"), 0);
            EXPECT_EQ(std::count_if(events.begin(), events.end(),
                                    [](auto& line) { return line.compare(0, 5, "ended") == 0; }),
                      1)
                << "calls end once";
        }
    }

    [[nodiscard]] call_options options(const std::string& id) const
    {
        call_options chosen;
        chosen.context = seen_->context;
        chosen.call_id = id;
        return chosen;
    }

    test_server server_;
    std::shared_ptr<recorder> seen_ = std::make_shared<recorder>();
    client_config config_;
};

/// Reads a stream to its end.
asio::awaitable<std::string> read_to_end(chat_stream stream)
{
    std::string text;
    while (const auto part = co_await stream.next())
        text += part->text();
    co_return text;
}

asio::awaitable<void> chat_twice(client_config config, call_options first, call_options second)
{
    const client api(co_await asio::this_coro::executor, std::move(config));
    co_await api.chat(question(), std::move(first));
    co_await api.chat(question(), std::move(second));
}

TEST_P(ObserverEvents, TellOfAnAnswerAndOfAConnectionUsedAgain)
{
    server_.enqueue(good_answer("x-request-id: r-1\r\n"));
    server_.enqueue(good_answer());
    run(chat_twice(config_, options("first"), options("second")));
    EXPECT_EQ(seen_->of("first"),
              (lines{"started chat", "connected", "sent", "head 200", "ended"}));
    EXPECT_EQ(seen_->of("second"), (lines{"started chat", "reused", "sent", "head 200", "ended"}));
    EXPECT_EQ(seen_->attempts, (std::vector<int>{0, 1, 1, 1, 1, 0, 1, 1, 1, 1}));

    ASSERT_EQ(seen_->connections.size(), 2U);
    const auto& made = seen_->connections[0];
    EXPECT_EQ(made.id, 1U);
    EXPECT_TRUE(made.connect);
    EXPECT_EQ(made.tls.has_value(), GetParam());
    const auto& again = seen_->connections[1];
    EXPECT_EQ(again.id, 1U);
    EXPECT_FALSE(again.connect || again.tls || again.resolve);
    EXPECT_EQ(seen_->sent_on, (std::vector<std::uint64_t>{1, 1}));

    EXPECT_EQ(seen_->last_end.status, 200);
    EXPECT_EQ(seen_->last_end.attempts, 1);
    EXPECT_EQ(seen_->last_end.bytes_sent, server_.requests().at(1).body.size());
    EXPECT_GT(seen_->last_end.bytes_received, answer_body().size());
    EXPECT_EQ(seen_->last_finish_reason, "stop");
    EXPECT_EQ(seen_->last_model, "served-model");
    ASSERT_TRUE(seen_->last_usage);
    EXPECT_EQ(seen_->last_usage->total_tokens, 7);
    EXPECT_EQ(seen_->closings, lines{"client_closed"});
    EXPECT_EQ(seen_->exchanges, 2U);
}

asio::awaitable<std::string> stream_one(client_config config, call_options options)
{
    const client api(co_await asio::this_coro::executor, std::move(config));
    auto stream = co_await api.stream_chat(question(), std::move(options));
    co_return co_await read_to_end(std::move(stream));
}

TEST_P(ObserverEvents, TellOfAStream)
{
    server_.enqueue(good_stream());
    EXPECT_EQ(run(stream_one(config_, options("one"))), std::string(spoken) + " more");
    EXPECT_EQ(seen_->of("one"), (lines{"started chat stream", "connected", "sent", "head 200",
                                       "first event", "ended"}));
    EXPECT_EQ(seen_->last_finish_reason, "stop");
    EXPECT_EQ(seen_->last_model, "served-model");
    EXPECT_GT(seen_->last_end.bytes_received, 0U);
}

asio::awaitable<void> ask_anything(client_config config, std::vector<call_options> options)
{
    const client api(co_await asio::this_coro::executor, std::move(config));
    co_await api.models(options.at(0));
    co_await api.complete({"sim-chat", prompt}, options.at(1));
    co_await api.request({"GET", "/v1/models"}, options.at(2));
}

TEST_P(ObserverEvents, NameTheOperation)
{
    server_.on_request([](const received_request& request) {
        if (request.method == "GET")
            return script().respond(200, "application/json", R"({"data":[{"id":"m"}]})");
        return script().respond(200, "application/json",
                                R"({"choices":[{"index":0,"text":"t","finish_reason":"stop"}]})");
    });
    run(ask_anything(config_, {options("a"), options("b"), options("c")}));
    EXPECT_EQ(seen_->of("a"),
              (lines{"started models", "connected", "sent without body", "head 200", "ended"}));
    EXPECT_EQ(seen_->of("b"),
              (lines{"started text_completion", "reused", "sent", "head 200", "ended"}));
    EXPECT_EQ(seen_->of("c"),
              (lines{"started request", "reused", "sent without body", "head 200", "ended"}));
}

asio::awaitable<void> wait_in_line(client_config config, call_options first, call_options second)
{
    const auto executor = co_await asio::this_coro::executor;
    config.pool.max_connections = 1;
    const client api(executor, std::move(config));
    auto stream = co_await api.stream_chat(question(), std::move(first));
    const auto has_answer = std::make_shared<bool>(false);
    asio::co_spawn(
        executor, api.chat(question(), std::move(second)),
        [has_answer](std::exception_ptr failed, chat_response) { *has_answer = !failed; });
    while (api.stats().waiting == 0)
        co_await asio::post(executor, asio::use_awaitable);
    co_await read_to_end(std::move(stream));
    while (api.stats().calls != 0)
        co_await asio::post(executor, asio::use_awaitable);
    EXPECT_TRUE(*has_answer);
}

TEST_P(ObserverEvents, TellOfTheQueue)
{
    server_.enqueue(good_stream());
    server_.enqueue(good_answer());
    run(wait_in_line(config_, options("first"), options("second")));
    EXPECT_EQ(seen_->of("second"),
              (lines{"started chat", "queued", "reused", "sent", "head 200", "ended"}));
    ASSERT_EQ(seen_->connections.size(), 2U);
    EXPECT_EQ(seen_->connections[0].queued.count(), 0);
    EXPECT_GT(seen_->connections[1].queued.count(), 0);
}

asio::awaitable<int> chat_once(client_config config, call_options options)
{
    const client api(co_await asio::this_coro::executor, std::move(config));
    const auto answer = co_await try_await(api.chat(question(), std::move(options)));
    co_return answer ? answer->metadata.attempts : answer.error().attempts;
}

TEST_P(ObserverEvents, TellOfRetries)
{
    server_.enqueue(failure(503));
    server_.enqueue(failure(500));
    server_.enqueue(good_answer());
    EXPECT_EQ(run(chat_once(config_, options("one"))), 3);
    EXPECT_EQ(seen_->of("one"), (lines{"started chat", "connected", "sent", "head 503",
                                       "retry after 503", "reused", "sent", "head 500",
                                       "retry after 500", "reused", "sent", "head 200", "ended"}));
    EXPECT_EQ(seen_->attempts, (std::vector<int>{0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3}));
    EXPECT_EQ(seen_->last_end.attempts, 3);
    EXPECT_EQ(seen_->last_end.bytes_sent, 3 * server_.requests().at(0).body.size());
}

TEST_P(ObserverEvents, TellOfAStreamThatBeginsWithAnError)
{
    server_.enqueue(script().expect_request().start_stream().event(error_body("503")).end_stream());
    server_.enqueue(good_stream());
    EXPECT_EQ(run(stream_one(config_, options("one"))), std::string(spoken) + " more");
    auto events = seen_->of("one");
    // The frame is an event of the attempt, too.
    EXPECT_EQ(events,
              (lines{"started chat stream", "connected", "sent", "head 200", "first event",
                     "retry after 200", "connected", "sent", "head 200", "first event", "ended"}));
    EXPECT_EQ(seen_->last_end.attempts, 2);
}

TEST_P(ObserverEvents, TellOfAStaleConnection)
{
    server_.enqueue(good_answer());
    server_.enqueue(good_answer());
    seen_->on_reuse = [this] {
        server_.close_connections();
        EXPECT_TRUE(server_.wait_until([this] { return server_.counts().fins_sent != 0; }));
    };
    run(chat_twice(config_, options("first"), options("second")));
    EXPECT_EQ(seen_->of("second"), (lines{"started chat", "reused", "sent", "stale", "connected",
                                          "sent", "head 200", "ended"}));
    EXPECT_EQ(seen_->last_end.attempts, 1);
    EXPECT_EQ(seen_->closings, (lines{"closed_by_peer", "client_closed"}));
}

TEST_P(ObserverEvents, TellOfFailures)
{
    server_.enqueue(failure(401));
    run(chat_once(config_, options("refused")));
    EXPECT_EQ(seen_->of("refused"),
              (lines{"started chat", "connected", "sent", "head 401", "ended failed"}));
    EXPECT_EQ(seen_->last_end.code, errc::unauthorized);
    EXPECT_EQ(seen_->last_end.status, 401);

    server_.enqueue(script().expect_request().respond(200, "application/json",
                                                      "{\"hidden answer" + std::string(spoken)));
    run(chat_once(config_, options("no json")));
    EXPECT_EQ(seen_->of("no json").back(), "ended failed");
    EXPECT_EQ(seen_->last_end.code, errc::bad_response);

    server_.enqueue(script().expect_request().respond(
        200, "application/json", R"({"choices":[{"index":"hidden answer","message":[]}]})"));
    run(chat_once(config_, options("wrong type")));
    EXPECT_EQ(seen_->last_end.code, errc::bad_response);

    server_.enqueue(script().expect_request().respond(
        502, "text/html", "<html><title>hidden words of the server</title></html>"));
    auto patient = options("page");
    patient.max_retries = 0;
    run(chat_once(config_, patient));
    EXPECT_EQ(seen_->last_end.code, errc::unavailable);

    server_.enqueue(script().expect_request().send("hidden answer, no HTTP\r\n\r\n").fin());
    run(chat_once(config_, options("no http")));
    EXPECT_EQ(seen_->last_end.code, errc::bad_response);
}

TEST_P(ObserverEvents, TellOfAProviderThatThrows)
{
    config_.key = credential([]() -> asio::awaitable<std::string> {
        throw std::runtime_error("hidden words of the program");
        co_return "";
    });
    EXPECT_THROW(run(chat_once(config_, options("no key"))), std::runtime_error);
    EXPECT_EQ(seen_->of("no key"), (lines{"started chat", "ended failed"}));
    EXPECT_EQ(seen_->last_end.code, errc::no_key);
}

TEST_P(ObserverEvents, TellOfStreamsThatFail)
{
    const auto fails = [&](const std::string& id, script answer) {
        server_.enqueue(std::move(answer));
        EXPECT_THROW(run(stream_one(config_, options(id))), error);
        EXPECT_EQ(seen_->of(id), (lines{"started chat stream", "connected", "sent", "head 200",
                                        "first event", "ended failed"}));
    };
    const auto begun = script().expect_request().start_stream().event(chunk(spoken));
    fails("frame", script(begun).event(error_body("400")).end_stream());
    EXPECT_EQ(seen_->last_end.code, errc::bad_request);
    fails("cut", script(begun).fin());
    EXPECT_EQ(seen_->last_end.code, errc::connection_lost);
    fails("no end", script(begun).end_stream());
    EXPECT_EQ(seen_->last_end.code, errc::truncated);
    fails("no json", script(begun).event("{\"hidden answer").end_stream());
    EXPECT_EQ(seen_->last_end.code, errc::bad_response);
}

TEST_P(ObserverEvents, TellOfACallThatReachesNobody)
{
    const auto target = config_.base_url;
    {
        test_server gone(server_options::plain());
        config_.base_url = gone.url();
    }
    config_.retry.max_retries = 1;
    run(chat_once(config_, options("one")));
    EXPECT_EQ(seen_->of("one"), (lines{"started chat", "retry after 0", "ended failed"}));
    EXPECT_EQ(seen_->last_end.where, phase::connect);
    EXPECT_EQ(seen_->last_end.attempts, 2);

    config_.base_url = target;
    auto wrong = options("two");
    wrong.headers.emplace_back("x-broken", "a\r\nb");
    run(chat_once(config_, wrong));
    EXPECT_EQ(seen_->of("two"), (lines{"started chat", "ended failed"}));
    EXPECT_EQ(seen_->last_end.where, phase::prepare);
}

// ---- ends from outside

asio::awaitable<void> leave_stream(client_config config, call_options options, bool take_a_chunk)
{
    const client api(co_await asio::this_coro::executor, std::move(config));
    auto stream = co_await api.stream_chat(question(), std::move(options));
    if (take_a_chunk)
        co_await stream.next();
}

TEST_P(ObserverEvents, TellOfAStreamThatIsDropped)
{
    server_.enqueue(script().expect_request().start_stream().event(chunk(spoken)).stall());
    run(leave_stream(config_, options("begun"), true));
    EXPECT_EQ(seen_->of("begun"), (lines{"started chat stream", "connected", "sent", "head 200",
                                         "first event", "ended dropped"}));
    EXPECT_TRUE(seen_->last_end.dropped);
    EXPECT_EQ(seen_->last_model, "served-model");
    EXPECT_GT(seen_->last_end.bytes_received, 0U);
    EXPECT_EQ(seen_->closings, lines{"cancelled"});

    server_.enqueue(script().expect_request().start_stream().stall());
    run(leave_stream(config_, options("silent"), false));
    EXPECT_EQ(seen_->of("silent"),
              (lines{"started chat stream", "connected", "sent", "head 200", "ended dropped"}));
}

asio::awaitable<void> stop_stream(client_config config, call_options options)
{
    std::stop_source button;
    options.stop = button.get_token();
    const client api(co_await asio::this_coro::executor, std::move(config));
    auto stream = co_await api.stream_chat(question(), std::move(options));
    co_await stream.next();
    button.request_stop();
    EXPECT_THROW(co_await stream.next(), error);
}

TEST_P(ObserverEvents, TellOfAStreamThatIsStopped)
{
    server_.enqueue(script().expect_request().start_stream().event(chunk(spoken)).stall());
    run(stop_stream(config_, options("one")));
    EXPECT_EQ(seen_->of("one"), (lines{"started chat stream", "connected", "sent", "head 200",
                                       "first event", "ended failed"}));
    EXPECT_EQ(seen_->last_end.code, asio::error::operation_aborted);
    EXPECT_FALSE(seen_->last_end.dropped);
    EXPECT_EQ(seen_->closings, lines{"cancelled"});
}

TEST_P(ObserverEvents, TellOfACallThatIsCancelled)
{
    gate arrived;
    server_.enqueue(script().expect_request().open(arrived).stall());
    asio::io_context io(1);
    auto api = std::make_optional<client>(io, config_);
    asio::cancellation_signal cancel;
    bool is_done = false;
    asio::co_spawn(io, api->chat(question(), options("one")),
                   asio::bind_cancellation_slot(
                       cancel.slot(), [&](std::exception_ptr e, auto) { is_done = e != nullptr; }));
    while (!arrived.is_open())
        io.poll_one();
    EXPECT_FALSE(is_done);
    cancel.emit(asio::cancellation_type::terminal);
    api.reset();
    io.restart();
    io.run_for(5s);
    EXPECT_TRUE(is_done);
    EXPECT_EQ(seen_->of("one"), (lines{"started chat", "connected", "sent", "ended failed"}));
    EXPECT_EQ(seen_->last_end.code, asio::error::operation_aborted);
    EXPECT_EQ(seen_->closings, lines{"cancelled"});
}

/// Cancels whoever makes a call, as it begins.
class canceller final : public observer
{
public:
    void call_started(const call_event&) noexcept override
    {
        cancel.emit(asio::cancellation_type::terminal);
    }
    void call_ended(const call_event&, const end_event& over) noexcept override
    {
        ended_with = over.code;
    }

    asio::cancellation_signal cancel;
    boost::system::error_code ended_with;
};

// A co_spawn whose coroutine is cancelled before it has waited lets an exception out of run().
asio::awaitable<void> chat_after_a_wait(const client& api)
{
    co_await asio::post(asio::use_awaitable);
    co_await api.chat(question());
}

TEST_P(ObserverEvents, TellOfACallerWhoIsCancelledAsTheCallBegins)
{
    const auto watch = std::make_shared<canceller>();
    config_.observer = watch;
    asio::io_context io(1);
    const client api(io, config_);
    std::exception_ptr failure;
    asio::co_spawn(io, chat_after_a_wait(api),
                   asio::bind_cancellation_slot(watch->cancel.slot(), [&](std::exception_ptr e) {
                       failure = std::move(e);
                   }));
    io.run();
    ASSERT_TRUE(failure);
    EXPECT_EQ(v0::detail::to_error_info(failure).code, asio::error::operation_aborted);
    EXPECT_EQ(watch->ended_with, asio::error::operation_aborted);
    EXPECT_EQ(server_.counts().requests, 0U);
}

asio::awaitable<void> close_under(client_config config, call_options options)
{
    const client api(co_await asio::this_coro::executor, std::move(config));
    auto stream = co_await api.stream_chat(question(), std::move(options));
    co_await stream.next();
    api.close();
    EXPECT_THROW(co_await stream.next(), error);
    EXPECT_THROW(co_await stream.next(), error);
}

TEST_P(ObserverEvents, TellOfAClientThatIsClosed)
{
    server_.enqueue(script().expect_request().start_stream().event(chunk(spoken)).stall());
    run(close_under(config_, options("one")));
    EXPECT_EQ(seen_->of("one"), (lines{"started chat stream", "connected", "sent", "head 200",
                                       "first event", "ended failed"}));
    EXPECT_EQ(seen_->last_end.code, errc::client_closed);
}

asio::awaitable<void> never_await(client_config config, call_options options)
{
    const client api(co_await asio::this_coro::executor, std::move(config));
    const auto unused = api.chat(question(), std::move(options));
}

TEST_P(ObserverEvents, TellNothingOfACallThatIsNotAwaited)
{
    run(never_await(config_, options("one")));
    EXPECT_TRUE(seen_->calls.empty());
}

TEST_P(ObserverEvents, SayWhyAConnectionIsClosed)
{
    server_.enqueue(good_answer("Connection: close\r\n"));
    run(chat_once(config_, options("one")));
    EXPECT_EQ(seen_->closings, lines{"finished"});
    EXPECT_EQ(seen_->exchanges, 1U);
}

// ---- the observer that the library has

TEST_P(ObserverEvents, AreLinesOfALog)
{
    std::ostringstream out;
    config_.observer = log_observer(out);
    server_.enqueue(failure(503));
    server_.enqueue(good_stream());
    EXPECT_EQ(run(stream_one(config_, options("one"))), std::string(spoken) + " more");
    const auto text = out.str();
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 11) << text;
    std::size_t at = 0;
    for (const auto* part :
         {"regolo: one started chat /v1/chat/completions at 127.0.0.1:",
          ", model asked-model, stream\n", "regolo: one #1 connection 1 opened, look-up ",
          "regolo: one #1 request sent, body of ", "regolo: one #1 HTTP 503, after ",
          "regolo: one #1 again in ", "HTTP 503, code some_code",
          "regolo: one #2 connection 1 reused\n", "regolo: one #2 request sent, body of ",
          "regolo: one #2 HTTP 200, after ", "regolo: one #2 first event, ",
          "regolo: one #2 done, HTTP 200, took ",
          "attempts 2, finish reason stop, model served-model", "regolo: connection 1 to http",
          "closed: client_closed, exchanges 2"})
    {
        const auto found = text.find(part, at);
        ASSERT_NE(found, std::string::npos) << part << "\n is not where it belongs in\n" << text;
        at = found;
    }
    for (const auto& hidden : {key, prompt, spoken, complaint})
        EXPECT_EQ(text.find(hidden), std::string::npos) << text;
}

asio::awaitable<void> chat_often(const client& api, std::string name, int count)
{
    for (int i = 0; i != count; ++i)
    {
        call_options own;
        own.call_id = name + std::to_string(i);
        auto stream = co_await api.stream_chat({"sim-chat", "count to 3"}, own);
        co_await read_to_end(std::move(stream));
    }
}

TEST(LogObserverThreads, WriteWholeLinesInTheOrderOfEachCall)
{
    test_server server(server_options::plain());
    std::ostringstream out;
    client_config config(std::string_view("test-key"));
    config.base_url = server.url();
    config.observer = log_observer(out);
    constexpr int count = 25;
    {
        asio::io_context io(4);
        const client api(io, config);
        std::atomic<int> running{4};
        for (const auto* name : {"a", "b", "c", "d"})
        {
            asio::co_spawn(io, chat_often(api, name, count), [&](std::exception_ptr failed) {
                EXPECT_FALSE(failed);
                if (--running == 0)
                    api.close();  // or the idle connections would keep the threads
            });
        }
        std::vector<std::jthread> threads;
        for (int i = 0; i != 4; ++i)
            threads.emplace_back([&io] { io.run_for(30s); });
    }
    const auto text = out.str();
    std::map<std::string, std::string> calls;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
    {
        ASSERT_EQ(line.compare(0, 8, "regolo: "), 0) << line;
        const auto end = line.find(' ', 8);
        auto rest = line.substr(end + 1);
        if (rest.front() == '#')
            rest.erase(0, rest.find(' ') + 1);
        calls[line.substr(8, end - 8)] += rest.substr(0, rest.find(' ')) + ' ';
    }
    EXPECT_NE(calls.erase("connection"), 0U);
    EXPECT_EQ(calls.size(), 4U * count);
    for (const auto& [id, events] : calls)
        EXPECT_EQ(events, "started connection request HTTP first done, ") << id;
}

INSTANTIATE_TEST_SUITE_P(Transport, ObserverEvents, ::testing::Bool(),
                         [](const auto& chosen) { return chosen.param ? "Tls" : "Plain"; });

}  // namespace

}  // namespace regolo::test
