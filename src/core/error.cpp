#include "core/utf8.hpp"

#include <regolo/error.hpp>

#include <boost/system/errc.hpp>

#include <string>
#include <utility>

namespace regolo::inline v0 {

namespace {

constexpr std::size_t shown_characters = 500;

const char* text_of(errc code) noexcept
{
    switch (code)
    {
        case errc::no_key:
            return "no key is configured";
        case errc::bad_url:
            return "the URL cannot be used";
        case errc::bad_config:
            return "a setting is out of its range";
        case errc::invalid_request:
            return "the request cannot be sent as it is";
        case errc::plaintext_refused:
            return "the key would travel unencrypted";
        case errc::operation_in_progress:
            return "another operation is running on this stream";
        case errc::client_closed:
            return "the client is closed";
        case errc::context_stopped:
            return "the client's execution context has stopped";
        case errc::not_started:
            return "the item was never sent";
        case errc::queue_timeout:
            return "time limit for a place in the pool";
        case errc::connect_timeout:
            return "time limit for connecting";
        case errc::wait_timeout:
            return "time limit of this wait; the stream is whole";
        case errc::send_timeout:
            return "time limit for sending";
        case errc::head_timeout:
            return "time limit for the response head";
        case errc::first_event_timeout:
            return "time limit for the first event";
        case errc::idle_timeout:
            return "time limit for a silent connection";
        case errc::total_timeout:
            return "time limit for the whole call";
        case errc::deadline_exceeded:
            return "the deadline has passed";
        case errc::host_not_found:
            return "the host name has no address";
        case errc::certificate_refused:
            return "the server's certificate was refused";
        case errc::connection_lost:
            return "the connection was lost";
        case errc::bad_response:
            return "the response breaks the rules";
        case errc::unsupported_encoding:
            return "the response has an encoding that was not asked for";
        case errc::too_large:
            return "a part of the response is above its limit";
        case errc::truncated:
            return "the answer is incomplete";
        case errc::redirected:
            return "the server redirects";
        case errc::bad_request:
            return "the API refused the request";
        case errc::unauthorized:
            return "the key was refused";
        case errc::permission_denied:
            return "the key may not do this";
        case errc::not_found:
            return "no such path or model";
        case errc::request_timeout:
            return "the server gave up waiting";
        case errc::conflict:
            return "the request clashes with the state of the server";
        case errc::payload_too_large:
            return "the request is too large for the server";
        case errc::rate_limited:
            return "too many requests or tokens";
        case errc::quota_exhausted:
            return "the budget or quota is used up";
        case errc::server_error:
            return "the server failed";
        case errc::unavailable:
            return "the server is overloaded or starting";
        case errc::api_error:
            return "the API reported an error";
    }
    return "unknown error";
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
            return true;
        case errc::send_timeout:
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
