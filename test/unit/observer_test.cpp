#include <regolo/observer.hpp>

#include <boost/system/errc.hpp>

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <thread>

namespace regolo::test {
namespace {

using namespace std::chrono_literals;

call_event some_call()
{
    call_event call;
    call.call_id = "id-1";
    call.operation = "chat";
    call.path = "/v1/chat/completions";
    call.server_address = "api.regolo.ai";
    call.server_port = 443;
    call.model = "m";
    call.stream = true;
    call.attempt = 2;
    return call;
}

/// What one event makes `log_observer` write, without the line feed.
template <class Event>
std::string line_of(Event event)
{
    std::ostringstream out;
    event(*log_observer(out));
    const std::string text = out.str();
    EXPECT_EQ(text.find('\n'), text.size() - 1) << text;
    return text.substr(0, text.size() - 1);
}

TEST(Observer, IgnoresEverythingByDefault)
{
    observer none;
    const call_event call = some_call();
    const error_info info;
    none.call_started(call);
    none.queued(call);
    none.connection_acquired(call, {});
    none.request_sent(call, {});
    none.head_received(call, {});
    none.first_event(call, {});
    none.retry_planned(call, {info});
    none.call_ended(call, {});
    none.connection_closed({});
}

TEST(Observer, NamesTheReasonsOfClosing)
{
    EXPECT_EQ(to_string(close_reason::finished), "finished");
    EXPECT_EQ(to_string(close_reason::idle), "idle");
    EXPECT_EQ(to_string(close_reason::aged), "aged");
    EXPECT_EQ(to_string(close_reason::closed_by_peer), "closed_by_peer");
    EXPECT_EQ(to_string(close_reason::unusable), "unusable");
    EXPECT_EQ(to_string(close_reason::cancelled), "cancelled");
    EXPECT_EQ(to_string(close_reason::failed), "failed");
    EXPECT_EQ(to_string(close_reason::client_closed), "client_closed");
}

TEST(LogObserver, WritesOneLinePerEvent)
{
    call_event call = some_call();
    EXPECT_EQ(line_of([&](observer& log) { log.queued(call); }),
              "regolo: id-1 #2 waiting for a place in the pool");
    call.attempt = 0;
    EXPECT_EQ(
        line_of([&](observer& log) { log.call_started(call); }),
        "regolo: id-1 started chat /v1/chat/completions at api.regolo.ai:443, model m, stream");
    call.attempt = 1;
    connection_event opened;
    opened.id = 7;
    opened.queued = 3ms;
    opened.resolve = 1ms;
    opened.connect = 12500us;
    opened.tls = 20ms;
    opened.tls_resumed = true;
    EXPECT_EQ(line_of([&](observer& log) { log.connection_acquired(call, opened); }),
              "regolo: id-1 #1 connection 7 opened, queued 3 ms, look-up 1 ms, connect 12.5 ms, "
              "TLS 20 ms (session resumed)");
    connection_event reused;
    reused.id = 7;
    reused.reused = true;
    EXPECT_EQ(line_of([&](observer& log) { log.connection_acquired(call, reused); }),
              "regolo: id-1 #1 connection 7 reused");
    EXPECT_EQ(line_of([&](observer& log) {
                  log.request_sent(call, {120, 7});
              }),
              "regolo: id-1 #1 request sent, body of 120 bytes");
    metadata answer;
    answer.status = 200;
    answer.request_id = "r-1";
    answer.timings.head = 250ms;
    EXPECT_EQ(line_of([&](observer& log) { log.head_received(call, answer); }),
              "regolo: id-1 #1 HTTP 200, after 250 ms, request id r-1");
    EXPECT_EQ(line_of([&](observer& log) {
                  log.first_event(call, {1500ms, 1s});
              }),
              "regolo: id-1 #1 first event, 1 s after the head, 1.5 s after the start");
    EXPECT_EQ(line_of([&](observer& log) {
                  log.connection_closed({7, "https://api.regolo.ai", close_reason::idle, 3, 90s});
              }),
              "regolo: connection 7 to https://api.regolo.ai closed: idle, exchanges 3, age 90 s");
}

TEST(LogObserver, SaysHowACallEnded)
{
    usage used;
    used.prompt_tokens = 12;
    used.completion_tokens = 34;
    end_event end;
    end.status = 200;
    end.finish_reason = "stop";
    end.model_served = "m2";
    end.usage = &used;
    end.bytes_sent = 120;
    end.bytes_received = 4567;
    end.attempts = 1;
    end.duration = 2s;
    EXPECT_EQ(line_of([&](observer& log) { log.call_ended(some_call(), end); }),
              "regolo: id-1 #2 done, HTTP 200, took 2 s, attempts 1, finish reason stop, model m2, "
              "prompt tokens 12, completion tokens 34, bytes sent 120, received 4567");
    end.dropped = true;
    EXPECT_NE(line_of([&](observer& log) { log.call_ended(some_call(), end); }).find("#2 dropped,"),
              std::string::npos);
    end_event aborted;
    aborted.code = boost::system::errc::make_error_code(boost::system::errc::operation_canceled);
    EXPECT_NE(line_of([&](observer& log) {
                  log.call_ended(some_call(), aborted);
              }).find("failed [body] "),
              std::string::npos);
}

error_info echoing_error()
{
    error_info info;
    info.code = errc::rate_limited;
    info.where = phase::head;
    info.http_status = 429;
    info.message = "too many\r\nrequests";
    info.server_message = "SECRET PROMPT";
    info.partial_text = "SECRET ANSWER";
    info.server_code = "rate_limit";
    info.request_id = "r-1";
    return info;
}

TEST(LogObserver, ExplainsFailuresWithoutTheServersWords)
{
    const error_info info = echoing_error();
    retry_event retry{info};
    retry.delay = 1500ms;
    const std::string again =
        line_of([&](observer& log) { log.retry_planned(some_call(), retry); });
    EXPECT_EQ(again.substr(0, again.find("too")), "regolo: id-1 #2 again in 1.5 s: [head] ");
    EXPECT_EQ(again.find('\r'), std::string::npos);
    EXPECT_NE(again.find(", HTTP 429, code rate_limit, request id r-1"), std::string::npos);
    retry.stale_connection = true;
    EXPECT_NE(line_of([&](observer& log) {
                  log.retry_planned(some_call(), retry);
              }).find("again at once, the connection was stale: "),
              std::string::npos);
    end_event end;
    end.code = info.code;
    end.error = &info;
    const std::string ended = line_of([&](observer& log) { log.call_ended(some_call(), end); });
    EXPECT_NE(ended.find("failed [head] too many"), std::string::npos) << ended;
    for (const std::string& line : {again, ended})
    {
        EXPECT_EQ(line.find("SECRET"), std::string::npos) << line;
    }
}

TEST(LogObserver, KeepsForeignTextInItsLineAndQueriesOut)
{
    call_event call = some_call();
    call.model = "m\nforged: line";
    call.path = "/v1/models?key=SECRET";
    const std::string line = line_of([&](observer& log) { log.call_started(call); });
    EXPECT_EQ(line.find("SECRET"), std::string::npos);
    EXPECT_EQ(line.find('\n'), std::string::npos);
}

TEST(LogObserver, DoesNotMixTheLinesOfThreads)
{
    std::ostringstream out;
    const auto log = log_observer(out);
    const auto write = [&log] {
        for (int i = 0; i < 1000; ++i)
        {
            log->queued(some_call());
        }
    };
    std::thread other(write);
    write();
    other.join();
    std::istringstream in(out.str());
    int lines = 0;
    for (std::string line; std::getline(in, line); ++lines)
    {
        ASSERT_EQ(line, "regolo: id-1 #2 waiting for a place in the pool");
    }
    EXPECT_EQ(lines, 2000);
}

TEST(LogObserver, SurvivesAStreamThatThrows)
{
    std::ostringstream out;
    out.exceptions(std::ios::badbit | std::ios::failbit);
    const auto log = log_observer(out);
    try
    {
        out.setstate(std::ios::badbit);
    }
    catch (const std::ios::failure&)
    {}
    log->queued(some_call());
    EXPECT_EQ(out.str(), "");
}

}  // namespace
}  // namespace regolo::test
