#include "core/duration_text.hpp"
#include "core/utf8.hpp"

#include <regolo/observer.hpp>

#include <mutex>
#include <optional>
#include <ostream>
#include <string>

namespace regolo::inline v0 {
namespace {

using std::chrono::nanoseconds;

/// Names from outside are cut and lose their control characters: an event stays one line.
std::string safe(std::string_view text)
{
    constexpr std::size_t shown = 200;
    return core::printable(text, shown);
}

/** What failed, without the server's message: that one may repeat the prompt. */
std::string summary(const error_info& info)
{
    std::string text = "[" + std::string(to_string(info.where)) + "] ";
    text += safe(info.message.empty() ? info.code.message() : info.message);
    if (info.http_status != 0)
    {
        text += ", HTTP " + std::to_string(info.http_status);
    }
    if (!info.server_code.empty())
    {
        text += ", code " + safe(info.server_code);
    }
    if (!info.request_id.empty())
    {
        text += ", request id " + safe(info.request_id);
    }
    return text;
}

void append_time(std::string& text, std::string_view name, std::optional<nanoseconds> duration)
{
    if (duration)
    {
        text += ", ";
        text += name;
        text += ' ';
        text += core::to_text(*duration);
    }
}

class line_writer final : public observer
{
public:
    explicit line_writer(std::ostream& out) : out_(out) {}

    void call_started(const call_event& call) noexcept override
    {
        write(call, [&] {
            std::string text = "started " + safe(call.operation);
            // a query may hold a secret
            text += ' ' + safe(call.path.substr(0, call.path.find('?')));
            if (!call.server_address.empty())
            {
                text += " at " + safe(call.server_address) + ':' + std::to_string(call.server_port);
            }
            if (!call.model.empty())
            {
                text += ", model " + safe(call.model);
            }
            return text += call.stream ? ", stream" : "";
        });
    }

    void queued(const call_event& call) noexcept override
    {
        write(call, [] { return std::string("waiting for a place in the pool"); });
    }

    void connection_acquired(const call_event& call,
                             const connection_event& connection) noexcept override
    {
        write(call, [&] {
            std::string text = "connection " + std::to_string(connection.id);
            text += connection.reused ? " reused" : " opened";
            if (connection.queued.count() > 0)
            {
                append_time(text, "queued", connection.queued);
            }
            append_time(text, "look-up", connection.resolve);
            append_time(text, "connect", connection.connect);
            append_time(text, "TLS", connection.tls);
            return text += connection.tls_resumed && !connection.reused ? " (session resumed)" : "";
        });
    }

    void request_sent(const call_event& call, const request_event& request) noexcept override
    {
        write(call, [&] {
            return "request sent, body of " + std::to_string(request.body_bytes) + " bytes";
        });
    }

    void head_received(const call_event& call, const metadata& answer) noexcept override
    {
        write(call, [&] {
            std::string text = "HTTP " + std::to_string(answer.status);
            append_time(text, "after", answer.timings.head);
            if (!answer.request_id.empty())
            {
                text += ", request id " + safe(answer.request_id);
            }
            return text;
        });
    }

    void first_event(const call_event& call, const first_event_info& event) noexcept override
    {
        write(call, [&] {
            return "first event, " + core::to_text(event.since_head) + " after the head, " +
                   core::to_text(event.since_start) + " after the start";
        });
    }

    void retry_planned(const call_event& call, const retry_event& retry) noexcept override
    {
        write(call, [&] {
            std::string text = retry.stale_connection ? "again at once, the connection was stale"
                                                      : "again in " + core::to_text(retry.delay);
            return text + ": " + summary(retry.reason);
        });
    }

    void call_ended(const call_event& call, const end_event& end) noexcept override
    {
        write(call, [&] {
            std::string text = outcome(end);
            append_time(text, "took", end.duration);
            text += ", attempts " + std::to_string(end.attempts);
            if (!end.finish_reason.empty())
            {
                text += ", finish reason " + safe(end.finish_reason);
            }
            if (!end.model_served.empty())
            {
                text += ", model " + safe(end.model_served);
            }
            append_tokens(text, end.usage);
            return text + ", bytes sent " + std::to_string(end.bytes_sent) + ", received " +
                   std::to_string(end.bytes_received);
        });
    }

    void connection_closed(const close_event& connection) noexcept override
    {
        write([&] {
            std::string text = "connection " + std::to_string(connection.connection_id) + " to " +
                               safe(connection.origin) + " closed: ";
            text += to_string(connection.reason);
            text += ", exchanges " + std::to_string(connection.exchanges);
            append_time(text, "age", connection.age);
            return text;
        });
    }

private:
    static std::string outcome(const end_event& end)
    {
        if (end.error)
        {
            return "failed " + summary(*end.error);
        }
        if (end.code)
        {
            return "failed [" + std::string(to_string(end.where)) + "] " + safe(end.code.message());
        }
        std::string text = end.dropped ? "dropped" : "done";
        return end.status == 0 ? text : text + ", HTTP " + std::to_string(end.status);
    }

    static void append_tokens(std::string& text, const usage* used)
    {
        if (used && used->prompt_tokens)
        {
            text += ", prompt tokens " + std::to_string(*used->prompt_tokens);
        }
        if (used && used->completion_tokens)
        {
            text += ", completion tokens " + std::to_string(*used->completion_tokens);
        }
    }

    template <class Text>
    void write(const call_event& call, Text text) noexcept
    {
        write([&] {
            std::string line = safe(call.call_id);
            if (call.attempt > 0)
            {
                line += " #" + std::to_string(call.attempt);
            }
            return line + ' ' + text();
        });
    }

    /// A line that cannot be written is lost: an observer has nobody to tell.
    template <class Text>
    void write(Text text) noexcept
    try
    {
        const std::string line = "regolo: " + text() + '\n';
        const std::lock_guard lock(mutex_);
        out_ << line << std::flush;
    }
    catch (...)
    {}

    std::ostream& out_;
    std::mutex mutex_;
};

}  // namespace

std::string_view to_string(close_reason reason) noexcept
{
    switch (reason)
    {
        case close_reason::finished:
            return "finished";
        case close_reason::idle:
            return "idle";
        case close_reason::aged:
            return "aged";
        case close_reason::closed_by_peer:
            return "closed_by_peer";
        case close_reason::unusable:
            return "unusable";
        case close_reason::cancelled:
            return "cancelled";
        case close_reason::failed:
            return "failed";
        case close_reason::client_closed:
            return "client_closed";
    }
    return "unknown";
}

observer::~observer() = default;

void observer::call_started(const call_event&) noexcept {}
void observer::queued(const call_event&) noexcept {}
void observer::connection_acquired(const call_event&, const connection_event&) noexcept {}
void observer::request_sent(const call_event&, const request_event&) noexcept {}
void observer::head_received(const call_event&, const metadata&) noexcept {}
void observer::first_event(const call_event&, const first_event_info&) noexcept {}
void observer::retry_planned(const call_event&, const retry_event&) noexcept {}
void observer::call_ended(const call_event&, const end_event&) noexcept {}
void observer::connection_closed(const close_event&) noexcept {}

std::shared_ptr<observer> log_observer(std::ostream& out)
{
    return std::make_shared<line_writer>(out);
}

}  // namespace regolo::inline v0
