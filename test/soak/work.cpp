#include "soak/work.hpp"

#include "client_state.hpp"
#include "soak/reading.hpp"

#include <regolo/background.hpp>
#include <regolo/conversation.hpp>
#include <regolo/fan_out.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <iterator>
#include <random>
#include <stop_token>
#include <utility>

namespace regolo::soak {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr auto short_limit = 90s;
constexpr auto long_limit = 180s;
constexpr auto grace = 15s;  // for a busy machine, beyond the limit that the client knows

constexpr std::string_view model = "soak";

/// What one caller leaves to chance.
class dice
{
public:
    explicit dice(std::uint64_t seed) : random_(seed) {}

    std::uint64_t between(std::uint64_t least, std::uint64_t most)
    {
        return std::uniform_int_distribution<std::uint64_t>(least, most)(random_);
    }
    milliseconds time(std::uint64_t least, std::uint64_t most)
    {
        return milliseconds(between(least, most));
    }
    const client& one_of(const std::vector<client>& all) { return all[between(0, all.size() - 1)]; }
    manner any_manner() { return static_cast<manner>(between(0, 2)); }

private:
    std::mt19937_64 random_;
};

task open(workload& all, std::string_view work, std::uint64_t pieces, std::uint64_t padding = 0,
          std::uint64_t interval = 0)
{
    return all.books.open(work, pieces, interval, padding, short_limit + grace);
}

chat_request question(const task& about) { return {model, about.mark()}; }

chat_request tool_question(const task& about)
{
    auto request = question(about);
    request.tools.emplace_back("note");
    return request;
}

// ---- whole answers

asio::awaitable<void> ask(workload& all, dice& chance)
{
    const auto what = open(all, "chat", chance.between(1, 30), chance.between(0, 300));
    call_options options;
    options.as_stream = chance.between(0, 3) == 0;
    const auto& from = chance.one_of(all.clients);
    const auto got = co_await try_await(as_text(from.chat(question(what), options)));
    all.books.settle(what, got);
}

asio::awaitable<void> ask_with_tools(workload& all, dice& chance)
{
    const auto what = open(all, "tool", chance.between(1, 30));
    const auto& from = chance.one_of(all.clients);
    if (chance.between(0, 1) == 0)
    {
        const auto got = co_await try_await(as_text(from.chat(tool_question(what))));
        all.books.settle(what, got);
        co_return;
    }
    const auto got =
        co_await try_await(read_all<chat_chunk>(from.stream_chat(tool_question(what))));
    all.books.settle(what, got);
}

asio::awaitable<void> complete(workload& all, dice& chance)
{
    const auto what = open(all, "completion", chance.between(1, 30), chance.between(0, 300));
    const completion_request request(model, what.mark());
    const auto& from = chance.one_of(all.clients);
    if (chance.between(0, 1) == 0)
    {
        const auto got = co_await try_await(as_text(from.complete(request)));
        all.books.settle(what, got);
        co_return;
    }
    const auto got = co_await try_await(
        read_all<completion_chunk>(from.stream_completion(request), chance.any_manner()));
    all.books.settle(what, got);
}

asio::awaitable<void> send_file(workload& all, dice& chance)
{
    const auto what = open(all, "upload", 1);
    const auto size = chance.between(1, 512 * 1024);
    const std::string content(size, '\x01');
    transcription_request request(model, upload::bytes(content, "talk.wav"));
    request.prompt = what.mark();
    const auto& from = chance.one_of(all.clients);
    const auto got = co_await try_await(as_text(from.transcribe(request)));
    const auto expected = std::to_string(what.number) + ' ' + std::to_string(size);
    all.books.settle(what, got, meddling::none, expected);
}

asio::awaitable<void> fetch_file(workload& all, dice& chance)
{
    const auto what = open(all, "download", chance.between(2, 20), 16 * 1024);
    const api_request request("GET", "/v1/files/" + what.mark());
    const auto& from = chance.one_of(all.clients);
    const auto got = co_await try_await(read_all<std::string>(from.download(request)));
    all.books.settle(what, got);
}

// ---- many

asio::awaitable<void> fan_out(workload& all, dice& chance)
{
    std::vector<task> tasks;
    std::vector<chat_request> requests;
    for (int i = 0; i != 8; ++i)
    {
        tasks.push_back(open(all, "fan_out", chance.between(1, 20)));
        requests.push_back(question(tasks.back()));
    }
    std::vector<bool> ended(tasks.size(), false);
    // Sometimes the run is dropped before its end.
    const auto wanted = chance.between(0, 3) == 0 ? chance.between(0, 7) : tasks.size();
    fan_out_options options;
    options.max_in_flight = 3;
    options.max_retries = 2;
    {
        auto run = chance.one_of(all.clients).fan_out(std::move(requests), options);
        for (std::size_t i = 0; i != wanted; ++i)
        {
            auto done = co_await run.next();
            if (!done)
            {
                all.books.complain("a fan_out run ended early");
                break;
            }
            ended[done->index] = true;
            const auto& answer = done->result;
            all.books.settle(tasks[done->index], answer ? result<std::string>(text_of(*answer))
                                                        : result<std::string>(answer.error()));
        }
    }
    for (std::size_t i = 0; i != tasks.size(); ++i)
        if (!ended[i])
            all.books.settle_dropped(tasks[i], "");
}

asio::awaitable<void> converse(workload& all, dice& chance)
{
    conversation talk(chance.one_of(all.clients), chat_request(model));
    for (int turn = 0; turn != 3; ++turn)
    {
        const auto what = open(all, "conversation", chance.between(1, 20));
        const auto mark = what.mark();
        if (turn == 1)
        {
            const auto got = co_await try_await(read_all<chat_chunk>(talk.say_stream(mark)));
            all.books.settle(what, got);
            continue;
        }
        const auto got = co_await try_await(as_text(talk.say(mark)));
        all.books.settle(what, got);
    }
}

// ---- ended by the caller

/// The rest of a stream whose reader leaves after some chunks.
asio::awaitable<void> leave_stream(workload& all, dice& chance)
{
    const auto what = open(all, "dropped stream", 40, 0, chance.between(0, 10));
    const auto& from = chance.one_of(all.clients);
    std::string text;
    auto stream = co_await try_await(from.stream_chat(question(what)));
    if (!stream)
    {
        all.books.settle(what, result<std::string>(stream.error()));
        co_return;
    }
    for (auto left = chance.between(0, 20); left != 0; --left)
    {
        const auto chunk = co_await try_await(stream->next());
        if (!chunk)
        {
            all.books.settle(what, result<std::string>(chunk.error()));
            co_return;
        }
        if (!*chunk)
            break;
        append(text, **chunk);
    }
    all.books.settle_dropped(what, text);
}

/// By a token, from another thread if there is one.
asio::awaitable<void> stop_call(workload& all, dice& chance)
{
    const auto what = open(all, "stopped call", 20, 0, 5);
    std::stop_source stop;
    call_options options;
    options.stop = stop.get_token();
    const auto other = all.executors[chance.between(0, all.executors.size() - 1)];
    const auto timer = std::make_shared<asio::steady_timer>(other, chance.time(0, 60));
    timer->async_wait([timer, stop](boost::system::error_code) mutable { stop.request_stop(); });
    const auto& from = chance.one_of(all.clients);
    if (chance.between(0, 1) == 0)
    {
        const auto got = co_await try_await(as_text(from.chat(question(what), options)));
        all.books.settle(what, got, meddling::stopped);
        co_return;
    }
    const auto got = co_await try_await(
        read_all<chat_chunk>(from.stream_chat(question(what), options), chance.any_manner()));
    all.books.settle(what, got, meddling::stopped);
}

asio::awaitable<void> hurry(workload& all, dice& chance)
{
    const auto what = open(all, "hurried call", 20, 0, 5);
    call_options options;
    options.time.total = chance.time(1, 80);
    const auto& from = chance.one_of(all.clients);
    const auto got = co_await try_await(
        read_all<chat_chunk>(from.stream_chat(question(what), options), chance.any_manner()));
    all.books.settle(what, got, meddling::hurried);
}

/// More bytes than the system keeps, and a reader who takes his time.
asio::awaitable<void> read_slowly(workload& all, dice& chance)
{
    const auto what = open(all, "slow reader", 60, 20000);
    const auto& from = chance.one_of(all.clients);
    const auto got =
        co_await try_await(read_all<chat_chunk>(from.stream_chat(question(what)), manner::slow));
    all.books.settle(what, got);
}

// ---- clients that come and go

asio::awaitable<void> outlive_client(workload& all, dice& chance)
{
    const auto first = open(all, "short-lived client", 3);
    const auto second = open(all, "outlived client", 20, 0, 10);
    std::shared_ptr<regolo::detail::client_state> state;
    std::string text;
    result<chat_stream> stream{chat_stream()};
    {
        const auto executor = co_await asio::this_coro::executor;
        const auto from = all.make_client(executor, chance.between(0, 1) == 1);
        state = regolo::detail::client_access::state(from);
        const auto got = co_await try_await(as_text(from.chat(question(first))));
        all.books.settle(first, got);
        stream = co_await try_await(from.stream_chat(question(second)));
    }
    if (!stream)
        all.books.settle(second, result<std::string>(stream.error()));
    else
    {
        const auto rest =
            co_await try_await(read_on<chat_chunk>(*stream, text, chance.any_manner()));
        all.books.settle(second,
                         rest ? result<std::string>(text) : result<std::string>(rest.error()));
    }
    all.stale_replays += state->stale_replays;
}

asio::awaitable<void> close_client(workload& all, dice& chance)
{
    const auto executor = co_await asio::this_coro::executor;
    const auto from = all.make_client(executor, chance.between(0, 1) == 1);
    const auto state = regolo::detail::client_access::state(from);
    const auto timer = std::make_shared<asio::steady_timer>(executor, chance.time(0, 60));
    const bool gently = chance.between(0, 1) == 0;
    timer->async_wait([timer, state, gently, executor](boost::system::error_code) {
        if (!gently)
            return state->close();
        asio::co_spawn(executor, regolo::detail::client_state::drain(state, 20ms),
                       [](std::exception_ptr, bool) {});
    });
    for (int i = 0; i != 3; ++i)
    {
        const auto what = open(all, "closed client", 10, 0, 5);
        const auto got = co_await try_await(
            read_all<chat_chunk>(from.stream_chat(question(what)), chance.any_manner()));
        all.books.settle(what, got, meddling::closed);
    }
    all.stale_replays += state->stale_replays;
}

using deed = asio::awaitable<void> (*)(workload&, dice&);
constexpr deed deeds[] = {
    ask,      ask,       ask,   complete,     ask_with_tools, send_file,    fetch_file,  fan_out,
    converse, stop_call, hurry, leave_stream, outlive_client, close_client, read_slowly,
};

}  // namespace

client_config workload::config(bool tls) const
{
    client_config made(credential("test-key"));
    // The port stands for a group of servers; see `moving_names`.
    made.base_url = tls ? "https://localhost:2" : "http://localhost:1";
    made.tls.ca_pem = ca_pem;
    made.pool.max_connections = streams + 500;
    made.time.queue = 30s;
    made.time.connect = 30s;
    made.time.send = silence;
    made.time.head = silence;
    made.time.first_event = silence;
    made.time.idle = silence;
    made.time.total = std::chrono::duration_cast<milliseconds>(short_limit);
    made.retry.initial_delay = 50ms;
    made.retry.max_delay = 400ms;
    return made;
}

client workload::make_client(const asio::any_io_executor& executor, bool tls) const
{
    regolo::detail::client_state::seams outside;
    outside.names = names;
    return regolo::detail::client_access::make(
        regolo::detail::client_state::make(executor, config(tls), std::move(outside)));
}

asio::awaitable<void> read_streams(workload& all, std::uint64_t seed)
{
    dice chance(seed);
    call_options options;
    options.time.total = std::chrono::duration_cast<milliseconds>(long_limit);
    while (all.goes_on())
    {
        const auto what = all.books.open("stream", chance.between(10, 60),
                                         chance.between(all.pace / 10, all.pace),
                                         chance.between(0, 40), long_limit + grace);
        const auto& from = chance.one_of(all.clients);
        const auto how = chance.any_manner();
        auto got = result<std::string>(std::string());
        if (chance.between(0, 3) == 0)
        {
            const completion_request request(model, what.mark());
            got = co_await try_await(
                read_all<completion_chunk>(from.stream_completion(request, options), how));
        }
        else
        {
            got = co_await try_await(
                read_all<chat_chunk>(from.stream_chat(question(what), options), how));
        }
        all.books.settle(what, got);
        if (!got)
            co_await sleep_for(chance.time(100, 500));  // as a program that minds its server
    }
    --all.callers;
}

asio::awaitable<void> do_anything(workload& all, std::uint64_t seed)
{
    dice chance(seed);
    while (all.goes_on())
    {
        const auto which = chance.between(0, std::size(deeds) - 1);
        co_await deeds[which](all, chance);
        co_await sleep_for(chance.time(0, 100));
    }
    --all.callers;
}

namespace {

void use_job(workload& all, dice& chance, background& api)
{
    const auto what = open(all, "background", 20, 0, 5);
    auto job = api.stream_chat(question(what));
    const bool stops = chance.between(0, 2) == 0;
    auto left = stops ? chance.between(0, 10) : what.pieces + 10;
    std::string text;
    auto got = result<std::string>(std::string());
    try
    {
        for (; left != 0; --left)
        {
            const auto chunk = job.next();
            if (!chunk)
                break;
            append(text, *chunk);
        }
        got = text;
    }
    catch (const error& failure)
    {
        got = failure.info();
    }
    if (!got || !stops)
        return all.books.settle(what, got);
    job.stop();
    all.books.settle_dropped(what, text);
}

void use_future(workload& all, dice& chance, background& api)
{
    const auto what = open(all, "background future", chance.between(1, 20));
    auto got = result<std::string>(std::string());
    try
    {
        got = text_of(api.chat(question(what)).get());
    }
    catch (const error& failure)
    {
        got = failure.info();
    }
    all.books.settle(what, got);
}

}  // namespace

void use_background(workload& all, std::uint64_t seed)
{
    dice chance(seed);
    while (all.goes_on())
    {
        const bool tls = chance.between(0, 1) == 1;
        auto config = all.config(tls);
        config.base_url = all.direct_urls.at(tls ? 1 : 0);
        config.pool.max_idle = 0;  // nobody could tell how often it replays
        background api(config);
        for (int i = 0; i != 5 && all.goes_on(); ++i)
        {
            use_job(all, chance, api);
            use_future(all, chance, api);
        }
    }
    --all.callers;
}

asio::awaitable<void> read_late(workload& all, late_readers& group, std::size_t index)
{
    const auto what = all.books.open("late reader", group.pieces, 0, group.padding, 600s);
    call_options options;
    options.time.total = 0ms;
    const auto& from = all.clients[index % all.clients.size()];
    auto stream = co_await try_await(from.stream_chat(question(what), options));
    ++group.open;
    while (stream && !group.go_on)
        co_await sleep_for(50ms);
    std::string text;
    auto got = result<std::string>(std::string());
    if (!stream)
    {
        got = stream.error();
    }
    else
    {
        const auto rest = co_await try_await(read_on<chat_chunk>(*stream, text, manner::plain));
        got = rest ? result<std::string>(text) : result<std::string>(rest.error());
    }
    all.books.settle(what, got);
    ++group.ended;
    --all.callers;
}

}  // namespace regolo::soak
