#include "call_reporter.hpp"

#include "core/api_error.hpp"
#include "core/http_message.hpp"
#include "credential_state.hpp"

#include <boost/asio/error.hpp>

#include <utility>

namespace regolo::inline v0::detail {

namespace {

error_info for_observers(error_info info)
{
    info.partial_text.clear();
    info.server_message.clear();
    info.server_param.clear();
    info.metadata.headers.clear();
    return info;
}

/// What observers are told: a program may have put its key into the wrong place.
std::string for_observers(const std::string& text, const client_state& client,
                          const call_options& options)
{
    const auto& used = options.key.empty() ? client.config.key : options.key;
    const auto& state = used.internal();
    if (used.empty() || !state->fixed)
        return text;
    const auto key = core::clean_key(state->fixed->view());
    return key && text.find(*key) != std::string::npos ? core::redact_key(text, *key) : text;
}

}  // namespace

call_reporter::call_reporter(const client_state& client, const call_plan& plan,
                             const call_options& options, const std::string& call_id)
    : client_(client),
      plan_(plan),
      options_(options),
      call_id_(call_id),
      audience_(client.config.observer
                    ? std::make_unique<audience>(audience{
                          *client.config.observer, for_observers(plan.path, client, options),
                          for_observers(plan.model, client, options), client.url.origin})
                    : nullptr),
      began_(client.world->timer->now())
{}

void call_reporter::set_origin(const core::origin& where)
{
    if (audience_)
        audience_->origin = where;
}

std::chrono::nanoseconds call_reporter::since_start() const noexcept
{
    return client_.world->timer->now() - began_;
}

void call_reporter::started() noexcept
{
    if (audience_)
        audience_->watch.call_started(event());
}

void call_reporter::retry_planned(const error_info& reason, std::chrono::nanoseconds delay) const
{
    if (!audience_)
        return;
    const auto told = for_observers(reason);
    retry_event planned{told};
    planned.delay = std::chrono::duration_cast<std::chrono::milliseconds>(delay);
    audience_->watch.retry_planned(event(), planned);
}

void call_reporter::stale_replay(const error_info& reason) const
{
    if (!audience_)
        return;
    const auto told = for_observers(reason);
    retry_event planned{told};
    planned.stale_connection = true;
    audience_->watch.retry_planned(event(), planned);
}

void call_reporter::head_received(const metadata& told) const noexcept
{
    if (audience_)
        audience_->watch.head_received(event(), told);
}

void call_reporter::first_event(std::chrono::nanoseconds since_head) const noexcept
{
    if (!audience_)
        return;
    first_event_info seen;
    seen.since_start = since_start();
    seen.since_head = since_head;
    audience_->watch.first_event(event(), seen);
}

void call_reporter::ended(const error_info* failure, const call_outcome& result, bool dropped,
                          int status, const std::function<void(std::string&)>& redact) noexcept
{
    if (!audience_)
        return;
    try
    {
        end_event over;
        error_info told;
        over.status = status;
        if (failure != nullptr)
        {
            told = for_observers(*failure);
            over.error = &told;
            over.code = failure->code;
            over.where = failure->where;
            over.status = failure->http_status;
        }
        if (dropped)
            over.code = boost::asio::error::operation_aborted;
        std::string finish_reason(result.finish_reason);
        std::string model(result.model);
        redact(finish_reason);
        redact(model);
        over.finish_reason = finish_reason;
        over.model_served = model;
        over.usage = result.usage;
        over.bytes_sent = bytes_sent_;
        over.bytes_received = bytes_received_;
        over.attempts = attempts_;
        over.dropped = dropped;
        over.duration = since_start();
        audience_->watch.call_ended(event(), over);
    }
    catch (...)
    {
        // Out of memory for the copy of the error: an observer is not worth more.
    }
}

void call_reporter::on_queued() noexcept
{
    if (audience_)
        audience_->watch.queued(event());
}

void call_reporter::on_connected(const net::connection& used, bool reused,
                                 std::chrono::nanoseconds queued) noexcept
{
    if (!audience_)
        return;
    connection_event made;
    made.id = used.id;
    made.reused = reused;
    made.queued = queued;
    if (!reused)
    {
        made.resolve = used.resolve_time;
        made.connect = used.connect_time;
        made.tls = used.tls_time;
    }
    made.tls_resumed = used.tls_resumed;
    audience_->watch.connection_acquired(event(), made);
}

void call_reporter::on_sent(const net::connection& used, std::uint64_t body_bytes) noexcept
{
    bytes_sent_ += body_bytes;
    if (!audience_)
        return;
    request_event sent;
    sent.body_bytes = body_bytes;
    sent.connection_id = used.id;
    audience_->watch.request_sent(event(), sent);
}

call_event call_reporter::event() const noexcept
{
    call_event now;
    now.call_id = call_id_;
    now.operation = plan_.operation;
    now.path = audience_->path;
    now.server_address = audience_->origin.host;
    now.server_port = audience_->origin.port;
    now.model = audience_->model;
    now.stream = plan_.stream;
    now.attempt = attempts_;
    now.context = &options_.context;
    return now;
}

}  // namespace regolo::inline v0::detail
