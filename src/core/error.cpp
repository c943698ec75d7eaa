#include "core/utf8.hpp"

#include <regolo/error.hpp>

#include <boost/system/errc.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace regolo::inline v0 {

namespace {

constexpr std::size_t shown_characters = 500;

struct errc_entry
{
    errc code;
    const char* name;
    const char* text;
};

constexpr auto entries = std::to_array<errc_entry>({
    {errc::no_key, "no_key", "no key is configured"},
    {errc::bad_url, "bad_url", "the URL cannot be used"},
    {errc::bad_config, "bad_config", "a setting is out of its range"},
    {errc::invalid_request, "invalid_request", "the request cannot be sent as it is"},
    {errc::plaintext_refused, "plaintext_refused", "the key would travel unencrypted"},
    {errc::operation_in_progress, "operation_in_progress",
     "another operation is running on this stream"},
    {errc::client_closed, "client_closed", "the client is closed"},
    {errc::context_stopped, "context_stopped", "the client's execution context has stopped"},
    {errc::not_started, "not_started", "the item was never sent"},
    {errc::upload_failed, "upload_failed", "the source of the upload failed"},
    {errc::stream_open, "stream_open", "the stream has not ended yet"},
    {errc::queue_timeout, "queue_timeout", "time limit for a place in the pool"},
    {errc::connect_timeout, "connect_timeout", "time limit for connecting"},
    {errc::wait_timeout, "wait_timeout", "time limit of this wait; the stream is whole"},
    {errc::send_timeout, "send_timeout", "time limit for sending"},
    {errc::head_timeout, "head_timeout", "time limit for the response head"},
    {errc::first_event_timeout, "first_event_timeout", "time limit for the first event"},
    {errc::idle_timeout, "idle_timeout", "time limit for a silent connection"},
    {errc::total_timeout, "total_timeout", "time limit for the whole call"},
    {errc::deadline_exceeded, "deadline_exceeded", "the deadline has passed"},
    {errc::host_not_found, "host_not_found", "the host name has no address"},
    {errc::certificate_refused, "certificate_refused", "the server's certificate was refused"},
    {errc::connection_lost, "connection_lost", "the connection was lost"},
    {errc::bad_response, "bad_response", "the response breaks the rules"},
    {errc::unsupported_encoding, "unsupported_encoding",
     "the response has an encoding that was not asked for"},
    {errc::too_large, "too_large", "a part of the response is above its limit"},
    {errc::truncated, "truncated", "the answer is incomplete"},
    {errc::redirected, "redirected", "the server redirects"},
    {errc::proxy_refused, "proxy_refused", "the proxy refused"},
    {errc::tls_refused, "tls_refused", "no TLS that both sides accept"},
    {errc::bad_request, "bad_request", "the API refused the request"},
    {errc::unauthorized, "unauthorized", "the key was refused"},
    {errc::permission_denied, "permission_denied", "the key may not do this"},
    {errc::not_found, "not_found", "no such path or model"},
    {errc::request_timeout, "request_timeout", "the server gave up waiting"},
    {errc::conflict, "conflict", "the request clashes with the state of the server"},
    {errc::payload_too_large, "payload_too_large", "the request is too large for the server"},
    {errc::rate_limited, "rate_limited", "too many requests or tokens"},
    {errc::quota_exhausted, "quota_exhausted", "the budget or quota is used up"},
    {errc::server_error, "server_error", "the server failed"},
    {errc::unavailable, "unavailable", "the server is overloaded or starting"},
    {errc::api_error, "api_error", "the API reported an error"},
    {errc::empty_answer, "empty_answer", "the answer says nothing"},
    {errc::out_of_tokens, "out_of_tokens", "the token limit was reached before the answer began"},
    {errc::other_model, "other_model", "another model answered than the one asked for"},
});

const errc_entry* find_entry(errc code) noexcept
{
    const auto* const found =
        std::find_if(entries.begin(), entries.end(),
                     [code](const errc_entry& entry) { return entry.code == code; });
    return found == entries.end() ? nullptr : found;
}

const char* text_of(errc code) noexcept
{
    const errc_entry* const entry = find_entry(code);
    return entry == nullptr ? "unknown error" : entry->text;
}

class category_type final : public boost::system::error_category
{
public:
    const char* name() const noexcept override { return "regolo"; }
    std::string message(int value) const override { return text_of(static_cast<errc>(value)); }
};

/// The quoted words of the server, or nothing.
void append_server_words(std::string& out, const error_info& info)
{
    if (!info.server_message.empty())
    {
        out += "; the server says \"";
        out += core::printable(info.server_message, shown_characters);
        out += '"';
    }
}

class bracket
{
public:
    explicit bracket(std::string& out) : out_(out) {}

    void add(std::string_view name, std::string_view value)
    {
        if (value.empty())
        {
            return;
        }
        out_ += open_ ? ", " : " [";
        open_ = true;
        out_ += name;
        out_ += ' ';
        out_ += core::printable(value, 100);
    }

    void close()
    {
        if (open_)
        {
            out_ += ']';
        }
    }

private:
    std::string& out_;
    bool open_ = false;
};

/// A failure below HTTP: the text of the system's code says more than ours, so it must be there.
void append_system_text(std::string& out, const error_info& info)
{
    const std::string text = core::printable(info.code.message(), shown_characters);
    if (out.empty())
    {
        out = text;
    }
    else if (info.code && info.code.category() != error_category() &&
             out.find(text) == std::string::npos)
    {
        out += ": " + text;
    }
}

bool is_cancelled(const error_info& info) noexcept
{
    return info.code == boost::system::errc::operation_canceled;
}

}  // namespace

const boost::system::error_category& error_category() noexcept
{
    static const category_type category;
    return category;
}

boost::system::error_code make_error_code(errc code) noexcept
{
    return {static_cast<int>(code), error_category()};
}

std::string_view to_string(errc code) noexcept
{
    const errc_entry* const entry = find_entry(code);
    return entry == nullptr ? "unknown" : entry->name;
}

std::string_view to_string(phase where) noexcept
{
    switch (where)
    {
        case phase::prepare:
            return "prepare";
        case phase::queue:
            return "queue";
        case phase::resolve:
            return "resolve";
        case phase::connect:
            return "connect";
        case phase::tls:
            return "tls";
        case phase::proxy:
            return "proxy";
        case phase::send:
            return "send";
        case phase::head:
            return "head";
        case phase::body:
            return "body";
    }
    return "unknown";
}

std::string describe(const error_info& info)
{
    std::string out = core::printable(info.message, 2 * shown_characters);
    append_system_text(out, info);
    if (info.http_status >= 300)
    {
        out += " (HTTP " + std::to_string(info.http_status) + ')';
    }
    append_server_words(out, info);
    bracket details(out);
    if (info.server_message.empty())
    {
        details.add("type", info.server_type);
    }
    if (info.server_code != std::to_string(info.http_status))
    {
        details.add("code", info.server_code);
    }
    details.add("param", info.server_param);
    if (info.http_status == 0 && info.where != phase::prepare)
    {
        details.add("phase", to_string(info.where));
    }
    if (info.attempts > 1)
    {
        details.add("attempts", std::to_string(info.attempts));
    }
    details.add("request id", info.request_id);
    if (info.call_id != info.request_id)
    {
        details.add("call id", info.call_id);
    }
    details.close();
    return out;
}

bool is_retryable(const error_info& info) noexcept
{
    if (info.code.category() != error_category())
    {
        return info.code.failed() && !info.sent && !is_cancelled(info);
    }
    switch (static_cast<errc>(info.code.value()))
    {
        case errc::rate_limited:
        case errc::unavailable:
        case errc::server_error:
        case errc::request_timeout:
        case errc::conflict:
            // the server knows better than its status tells
            return info.should_retry.value_or(true);
        case errc::queue_timeout:
        case errc::connect_timeout:
        case errc::wait_timeout:
        case errc::empty_answer:
            return true;
        case errc::send_timeout:
        case errc::total_timeout:
        case errc::connection_lost:
            return !info.sent;
        default:
            return info.should_retry.value_or(false);
    }
}

struct error::state
{
    explicit state(error_info known) : info(std::move(known)), text(describe(info)) {}

    error_info info;
    std::string text;
};

error::error(error_info info)
    : system_error(info.code), state_(std::make_shared<const state>(std::move(info)))
{}

const error_info& error::info() const noexcept { return state_->info; }

const char* error::what() const noexcept { return state_->text.c_str(); }

void throw_exception_from_error(const error_info& info,
                                [[maybe_unused]] const boost::source_location& location)
{
    throw error(info);
}

}  // namespace regolo::inline v0
