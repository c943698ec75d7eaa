#include "prepare.hpp"

#include "core/check_options.hpp"
#include "core/text.hpp"
#include "credential_state.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace regolo::inline v0::detail {

namespace {

constexpr std::string_view default_host = "api.regolo.ai";

// Those of the call come last, so that they win.
std::vector<core::field_view> headers_of(const client_config& config, const call_plan& plan,
                                         const call_options& options, const std::string& call_id,
                                         bool has_body, bool is_home)
{
    constexpr std::size_t most_of_ours = 5;
    std::vector<core::field_view> fields;
    fields.reserve(most_of_ours + config.headers.size() + options.headers.size());
    fields.emplace_back("Accept", plan.accept);
    if (has_body)
        fields.emplace_back("Content-Type", plan.content_type);
    fields.emplace_back("User-Agent", config.user_agent);
    if (config.send_call_id)
    {
        fields.emplace_back("x-litellm-call-id", call_id);
        fields.emplace_back("x-client-request-id", call_id);
    }
    // The client's keys are for the client's server alone.
    for (const auto& field : config.headers)
    {
        if (is_home || !core::is_secret_field(field.name))
            core::set_header(fields, core::field_view(field));
    }
    for (const auto& field : options.headers)
        core::set_header(fields, core::field_view(field));
    for (const auto& name : options.remove_headers)
        core::remove_header(fields, name);
    return fields;
}

bool removes_key(const call_options& options)
{
    return std::any_of(options.remove_headers.begin(), options.remove_headers.end(),
                       [](std::string_view name) { return core::iequals(name, "Authorization"); });
}

[[noreturn]] void throw_no_key(const char* message)
{
    error_info info;
    info.code = errc::no_key;
    info.message = message;
    throw error(std::move(info));
}

/// The key of a call. One that is blank may be that of a user who has none.
void check_key(const credential& key)
{
    if (!key.internal())
        return;
    if (key.empty())
    {
        throw_no_key(
            "call_options::key is blank: leave it unset to use the client's key, or name "
            "\"Authorization\" in call_options::remove_headers to send none");
    }
    key.internal()->check();
}

}  // namespace

retry_policy effective_policy(const client_config& config, const call_options& options)
{
    auto policy = options.retry.value_or(config.retry);
    if (options.max_retries)
        policy.max_retries = *options.max_retries;
    return policy;
}

prepared_request prepare(const client_state& client, const call_plan& plan,
                         const call_options& options, const std::string& call_id)
{
    const auto& config = client.config;
    core::check(options.time).value();
    if (options.retry || options.max_retries)
        core::check(effective_policy(config, options)).value();

    prepared_request ready;
    ready.url =
        options.base_url.empty() ? client.url : core::parse_base_url(options.base_url).value();
    const auto& where = ready.url.origin;

    if (plan.refused)
        throw error(*plan.refused);
    ready.body = plan.body;
    ready.message.body = ready.body.length();
    const bool is_home = where == client.url.origin;
    ready.message.headers =
        headers_of(config, plan, options, call_id, ready.message.body.has_value(), is_home);

    const bool without_key = removes_key(options);
    if (!without_key)
        check_key(options.key);
    const credential none;
    const credential& key = without_key            ? none
                            : !options.key.empty() ? options.key
                            : is_home              ? config.key
                                                   : none;
    ready.key = key.empty() ? nullptr : key.internal();
    const bool has_key =
        ready.key != nullptr || find_header(ready.message.headers, "Authorization").has_value();
    if (!has_key && !without_key && plan.needs_key && where.host == default_host)
    {
        throw_no_key(
            "no API key: set the environment variable REGOLO_API_KEY, or client_config::key "
            "(a key comes from https://dashboard.regolo.ai)");
    }
    const bool has_secret =
        has_key || std::any_of(ready.message.headers.begin(), ready.message.headers.end(),
                               [](const auto& field) { return core::is_secret_field(field.name); });
    // With a key of its own the client was asked when it was made: another secret may go where that may.
    if (!is_home || config.key.empty())
        core::check_plaintext(where, has_secret, config.allow_plaintext).value();

    ready.message.method = plan.method;
    ready.message.target = core::make_target(ready.url, plan.path, options.query).value();
    return ready;
}

}  // namespace regolo::inline v0::detail
