#include "testing/simulated_answer.hpp"
#include "testing/simulated_endpoint.hpp"
#include "testing/simulated_error.hpp"
#include "testing/simulated_request.hpp"
#include "testing/simulated_text.hpp"

#include <regolo/testing/simulation.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>
#include <utility>

namespace json = boost::json;

namespace regolo::inline v0::testing {

namespace {

constexpr std::size_t tokens_before_a_fault = 3;

std::string line(std::string_view name, std::string_view value)
{
    return std::string(name).append(": ").append(value).append("\r\n");
}

/// Joins pieces by `count`.
piece_source batched(piece_source one_by_one, std::size_t count)
{
    if (count < 2)
        return one_by_one;
    return [one_by_one = std::move(one_by_one), count](std::string& pieces) {
        pieces.clear();
        std::string piece;
        for (std::size_t i = 0; i != count && one_by_one(piece); ++i)
            pieces += piece;
        return !pieces.empty();
    };
}

/// Sends three quarters of an answer's bytes.
script beginning_of(const script& whole)
{
    const auto& bytes = std::get<step::send>(whole.steps().front()).bytes;
    return script().send(bytes.substr(0, bytes.size() - bytes.size() / 4));
}

}  // namespace

struct simulation::state
{
    /// One request on its way through the simulation.
    struct exchange
    {
        const received_request& request;
        route where;
        std::string call_id;
        json::object body;
        fault_order fault;

        [[nodiscard]] bool is_stream() const { return flag(body, "stream", false); }
    };

    explicit state(simulation_options wanted) : options(std::move(wanted)) {}

    script answer(exchange& call);
    script answer(exchange& call, const endpoint& found);
    script generate(exchange& call);
    std::optional<script> failure_in_place(exchange& call) const;
    script stream(const exchange& call, const simulated_answer& answer);
    script whole(const exchange& call, const std::string& body, std::size_t prompt_tokens,
                 std::size_t completion_tokens);
    script faulty_stream_end(const exchange& call, script made) const;
    script send(const exchange& call, const simulated_media& media) const;
    script fail(const exchange& call, const simulated_error& error) const;
    std::optional<simulated_error> read_body(exchange& call) const;
    std::optional<simulated_error> check_key(const exchange& call) const;
    bool is_due(exchange& call);

    [[nodiscard]] std::string headers(const exchange& call) const;
    [[nodiscard]] std::chrono::nanoseconds interval() const;
    [[nodiscard]] bool knows(std::string_view model) const
    {
        return std::find(options.models.begin(), options.models.end(), model) !=
               options.models.end();
    }

    simulation_options options;
    std::size_t requests = 0;
    std::set<std::string, std::less<>> failed_once;  // calls whose one failure is over
};

std::string simulation::state::headers(const exchange& call) const
{
    auto lines =
        line("server", "uvicorn") + line("x-request-id", "req-" + std::to_string(requests)) +
        line("x-litellm-call-id", call.call_id) + line("x-litellm-version", "1.80.0") +
        line("x-litellm-attempted-retries", "0") + line("x-litellm-attempted-fallbacks", "0");
    return call.request.wants_keep_alive() ? lines : lines + line("connection", "close");
}

std::chrono::nanoseconds simulation::state::interval() const
{
    return std::chrono::nanoseconds(options.pace > 0 ? std::llround(1e9 / options.pace) : 0);
}

script simulation::state::fail(const exchange& call, const simulated_error& error) const
{
    auto lines = headers(call) + error.headers;
    return script().respond(error.status, error.content_type, error.body, lines);
}

std::optional<simulated_error> simulation::state::check_key(const exchange& call) const
{
    static constexpr std::string_view scheme = "Bearer ";
    auto key = call.request.header("authorization");
    if (options.key.empty())
        return std::nullopt;
    if (!key.starts_with(scheme))
        return no_key_error();
    key.remove_prefix(scheme.size());
    return key == options.key ? std::nullopt : std::optional(wrong_key_error(key));
}

std::optional<simulated_error> simulation::state::read_body(exchange& call) const
{
    if (auto form = read_form(call.request))
    {
        call.body = std::move(*form);
    }
    else
    {
        boost::system::error_code error;
        auto parsed = json::parse(call.request.body, error);
        if (error || !parsed.is_object())
            return invalid_json_error(error ? error.message() : "expected an object");
        call.body = std::move(parsed.as_object());
    }
    if (!call.where.model.empty())
        call.body["model"] = call.where.model;
    else if (const auto asked = query_value(call.request.target, "model");
             !asked.empty() && !call.body.contains("model"))
        call.body["model"] = asked;
    const auto* model = call.body.if_contains("model");
    const auto name = model != nullptr && model->is_string() ? std::string_view(model->get_string())
                                                             : std::string_view();
    const auto order = call.request.header("x-simulate");
    call.fault = parse_fault(order.empty() ? name : order);
    if (!knows(name) && (call.fault.kind == fault::none || !order.empty()))
        return unknown_model_error(call.where.path, name);
    return std::nullopt;
}

bool simulation::state::is_due(exchange& call)
{
    if (!call.fault.only_once)
        return true;
    if (failed_once.size() > 10'000)
        failed_once.clear();
    return failed_once.insert(call.call_id).second;
}

script simulation::state::answer(exchange& call)
{
    const auto& path = call.where.path;
    const bool is_chat = path == "/chat/completions";
    const auto* found = find_endpoint(call.where);
    if (found == nullptr && !is_chat && path != "/completions")
        return fail(call, not_found_error());
    const auto method = found != nullptr ? found->method : "POST";
    if (call.request.method != method)
        return fail(call, method_error(method));
    if (found == nullptr || found->needs_key)
    {
        if (auto error = check_key(call))
            return fail(call, *error);
    }
    if (method == "GET")
        call.fault = parse_fault(call.request.header("x-simulate"));
    else if (auto error = read_body(call))
        return fail(call, *error);
    if (found == nullptr)
    {
        if (auto error = check_members(call.body, is_chat))
            return fail(call, *error);
    }
    if (call.fault.kind != fault::none && !is_due(call))
        call.fault = {};
    if (auto failed = failure_in_place(call))
        return *failed;
    auto made = found != nullptr ? answer(call, *found) : generate(call);
    return call.fault.kind == fault::close_after ? made.fin() : made;
}

/// The failures that come instead of an answer.
std::optional<script> simulation::state::failure_in_place(exchange& call) const
{
    const auto kind = call.fault.kind;
    if (kind == fault::stall)
        return script().stall();
    if (kind == fault::error || (kind == fault::first_event && !call.is_stream()))
        return fail(call, ordered_error(call.fault));
    if (kind == fault::error_mid_stream && !call.is_stream())
        return fail(call, ordered_error({fault::error, 500, {}, false}));
    return std::nullopt;
}

script simulation::state::answer(exchange& call, const endpoint& found)
{
    const auto made = found.answer({call.body, call.request.target, options.models});
    if (const auto* error = std::get_if<simulated_error>(&made))
        return fail(call, *error);
    if (const auto* media = std::get_if<simulated_media>(&made))
        return send(call, *media);
    const auto& body = std::get<simulated_body>(made);
    return whole(call, json::serialize(body.json), body.tokens, 0);
}

/// In chunks, as it is made.
script simulation::state::send(const exchange& call, const simulated_media& media) const
{
    constexpr std::size_t piece_size = 4096;
    auto made =
        script().send(http_head(200, headers(call) + line("content-type", media.content_type) +
                                         line("transfer-encoding", "chunked")));
    auto rest = std::make_shared<std::string>(media.body);
    made.stream(
        [rest](std::string& piece) {
            piece = http_chunk(std::string_view(*rest).substr(0, piece_size));
            const bool more = !rest->empty();
            rest->erase(0, piece_size);
            return more;
        },
        interval());
    return faulty_stream_end(call, std::move(made));
}

script simulation::state::generate(exchange& call)
{
    const auto made = answer_to(call.body, call.where.path == "/chat/completions");
    if (call.is_stream())
        return stream(call, made);
    return whole(call, to_body(made), made.prompt_tokens, made.completion_tokens());
}

script simulation::state::whole(const exchange& call, const std::string& body,
                                std::size_t prompt_tokens, std::size_t completion_tokens)
{
    const auto tokens = prompt_tokens + completion_tokens;
    auto lines = headers(call);
    if (tokens != 0)
        lines += line("x-litellm-response-cost", std::to_string(1e-6 * double(tokens))) +
                 line("x-ratelimit-limit-requests", "100") +
                 line("x-ratelimit-remaining-requests", std::to_string(99 - requests % 100)) +
                 line("x-ratelimit-limit-tokens", "1000000") +
                 line("x-ratelimit-remaining-tokens", std::to_string(1000000 - tokens % 1000000));
    const auto made = script().respond(200, "application/json", body, lines);
    script result;
    if (interval().count() > 0)
        result.pause(interval() * std::min<std::size_t>(completion_tokens, 1'000'000));
    switch (call.fault.kind)
    {
        case fault::cut_mid_stream:
            return result.then(beginning_of(made)).fin();
        case fault::reset_mid_stream:
            return result.then(beginning_of(made)).rst();
        case fault::stall_mid_stream:
            return result.then(beginning_of(made)).stall();
        default:
            return result.then(made);
    }
}

script simulation::state::stream(const exchange& call, const simulated_answer& answer)
{
    const bool is_chunked = call.request.version != "HTTP/1.0";
    const auto kind = call.fault.kind;
    stream_shape shape;
    shape.is_chunked = is_chunked;
    shape.has_finish = kind != fault::no_finish;
    shape.has_done = kind != fault::no_finish && kind != fault::no_done;
    if (kind == fault::error_mid_stream || kind == fault::cut_mid_stream ||
        kind == fault::reset_mid_stream || kind == fault::stall_mid_stream)
        shape.most_tokens = tokens_before_a_fault;
    auto lines = headers(call) + line("cache-control", "no-cache") +
                 line("content-type", "text/event-stream; charset=utf-8");
    if (is_chunked)
        lines += line("transfer-encoding", "chunked");
    auto made = script().send(http_head(200, lines));
    if (kind == fault::first_event)
        return made.event(ordered_error(call.fault).body).end_stream();
    made.stream(batched(to_stream(answer, shape), options.tokens_per_write),
                interval() * std::max<std::size_t>(options.tokens_per_write, 1));
    return is_chunked ? faulty_stream_end(call, std::move(made)) : made.fin();
}

script simulation::state::faulty_stream_end(const exchange& call, script made) const
{
    switch (call.fault.kind)
    {
        case fault::error_mid_stream:
            return made.event(ordered_error({fault::error, 500, {}, false}).body).end_stream();
        case fault::cut_mid_stream:
            return made.fin();
        case fault::reset_mid_stream:
            return made.rst();
        case fault::stall_mid_stream:
            return made.stall();
        default:
            return made.end_stream();
    }
}

simulation::simulation(simulation_options options)
    : state_(std::make_unique<state>(std::move(options)))
{}

simulation::~simulation() = default;

script simulation::answer(const received_request& request)
{
    ++state_->requests;
    state::exchange call{request, find_route(request.path()), {}, {}, {}};
    const auto call_id = request.header("x-litellm-call-id");
    call.call_id = call_id.empty() ? "call-" + std::to_string(state_->requests) : call_id;
    auto answer = state_->answer(call);
    return request.wants_keep_alive() ? answer : answer.fin();
}

}  // namespace regolo::inline v0::testing
